"""Use cases: one public method is one use case, one transaction, one commit."""
