"""The controller: compares what the rows want with what exists, and takes the next step."""
