"""Who asks. Every use case that serves people takes the caller first, with authentication or without."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """The person, or the program of a person, on whose behalf something is done."""

    user_id: int | None
    admin: bool

    def may_see(self, owner: int | None) -> bool:
        """Whether the caller may see and change what belongs to `owner`."""
        return self.admin or (owner is not None and owner == self.user_id)


# Without accounts there is one person, and everything is theirs.
SINGLE_USER = Caller(user_id=None, admin=True)
