"""Transformers as Deployments of a cluster: objects as plain dicts, the cluster that takes them, what is seen of it."""
