"""Warm child processes: where code that is not ours, or heavy, runs.

The server starts one *warm parent* by exec, with an environment of its own making. The warm parent imports the heavy
libraries once and forks a child whenever it is asked to, which takes milliseconds. The child is talked to in JSON
messages, may be killed at any moment, and takes its own children along when it goes.
"""
from servicex.processes.child import Child
from servicex.processes.errors import BadMessage, ChildDied, ChildTimedOut, MemoryLimitExceeded
from servicex.processes.user import ChildUser
from servicex.processes.warm import PRELOAD, WarmParent

__all__ = ["BadMessage", "Child", "ChildDied", "ChildTimedOut", "ChildUser", "MemoryLimitExceeded", "PRELOAD",
           "WarmParent"]
