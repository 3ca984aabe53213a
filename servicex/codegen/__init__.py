"""The built-in code generators. The server imports `catalogue` only; the rest is heavy and has its place in a child."""
