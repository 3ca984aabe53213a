"""Live updates: streams, long polls, and what they cost."""
