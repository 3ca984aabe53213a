"""A node of a cluster for tests: it runs the containers of pods as processes, each in a root file system of its own."""
