"""Take over the database of an earlier server: what is in it, converted row by row into our tables.

See doc/decisions/adopting-old-databases.md for what becomes of what.
"""
