#!/bin/sh
# Run the server as a container does: wait for the database, migrate it, then serve on port 5000 until SIGTERM.
# Settings come from the environment, or from the file that APP_CONFIG_FILE names.
PATH="$PATH:$(dirname "$0")/.venv/bin"
exec servicex-app serve "$@"
