"""Who asks. Every use case that serves people takes the caller first, with authentication or without."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """The person, or the program of a person, on whose behalf something is done.

    `name` and `address` are what the audit log says of who it was and from where.
    """

    user_id: int | None
    admin: bool
    name: str = ""
    address: str = ""

    def may_see(self, owner: int | None) -> bool:
        """Whether the caller may see and change what belongs to `owner`."""
        return self.admin or (owner is not None and owner == self.user_id)


# Without accounts there is one person, and everything is theirs.
SINGLE_USER = Caller(user_id=None, admin=True, name="the single user")
# Who can run commands where the server runs may do everything.
COMMAND_LINE = Caller(user_id=None, admin=True, name="the command line")
