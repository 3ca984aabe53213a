"""What generated programs are made of.

These modules are copied into every program and run without this package, also in containers with older versions of
Python and uproot; so they import nothing of ours and avoid what is newer than Python 3.9.
"""
