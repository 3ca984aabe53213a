"""What can go wrong with a child."""


class BadMessage(Exception):
    """Raised when the other side sent bytes that are not one of our messages."""


class ChildTimedOut(Exception):
    """Raised when a child did not answer in the time it was given; the child still runs and is the caller's to kill."""


class ChildDied(Exception):
    """Raised when a child is gone. `how` finishes the sentence "The process ..."."""

    def __init__(self, how: str):
        super().__init__(f"the process {how}")
        self.how = how


class MemoryLimitExceeded(ChildDied):
    """Raised when a child was killed since it, with its own children, held more memory than it was given."""
