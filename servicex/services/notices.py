"""What is to be told outside: written down in the transaction of what it tells of."""
from sqlalchemy.orm import Session

from servicex.models import User


class Notices:
    """Writes down what is to be told of accounts."""

    def signed_up(self, session: Session, user: User) -> None:
        """Somebody made an account that waits for approval."""

    def approved(self, session: Session, user: User) -> None:
        """An account was approved."""
