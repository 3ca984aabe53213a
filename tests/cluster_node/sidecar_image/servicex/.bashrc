# Read by every bash of the container.
