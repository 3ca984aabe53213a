"""The built-in code generators. Only `catalogue` is light; the rest is imported in a child process, never in the server."""
