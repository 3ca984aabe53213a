"""`make demo`: the server and the unmodified client do the main job once, on data made for it."""
