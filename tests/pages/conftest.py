"""Pages on databases of three sizes, on each engine."""
