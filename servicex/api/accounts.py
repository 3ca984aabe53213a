"""Accounts and tokens: for administrators, and for programs that renew their access."""
from servicex.api.account_schemas import AcceptBody, AccessToken, PendingList, PendingUser, UserList, UserRecord
from servicex.api.auth import Access, authentication, caller
from servicex.api.limits import Limit
from servicex.api.operation import operation
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import Message


class TokenRefresh(ServiceXResource):
    """Access for an API token."""

    @operation(answer=AccessToken, failures=(401, 422), access=Access.ANYONE, limit=Limit.TOKEN)
    def post(self) -> AccessToken:
        """An access token for the API token in the header `Authorization: Bearer <token>`."""
        return AccessToken(access_token=authentication().access_token())


class Users(ServiceXResource):
    """All accounts."""

    @operation(answer=UserList, access=Access.ADMIN)
    def get(self) -> UserList:
        """All accounts, for administrators."""
        return UserList(users=[UserRecord(email=user.verified_email or user.email, id=user.id, admin=user.admin,
                                          pending=user.pending) for user in self.services.accounts.all()])

    @operation(access=Access.ADMIN)
    def delete(self) -> Message:
        """Remove all accounts but those of administrators."""
        return Message(message=f"{self.services.accounts.delete_all(caller())} row(s) deleted")


class User(ServiceXResource):
    """One account."""

    @operation(failures=(400,), access=Access.ADMIN)
    def delete(self, user_id: int) -> Message:
        """Remove an account with its tokens. What the person submitted stays, and is the administrators'."""
        self.services.accounts.delete(caller(), user_id)
        return Message(message=f"user {user_id} has been deleted")


class Pending(ServiceXResource):
    """The accounts that wait for approval."""

    @operation(answer=PendingList, access=Access.ADMIN)
    def get(self) -> PendingList:
        """These accounts, for administrators."""
        return PendingList(users=[PendingUser(email=user.verified_email or user.email, id=user.id, admin=user.admin)
                                  for user in self.services.accounts.all(pending=True)])

    @operation(access=Access.ADMIN)
    def delete(self) -> Message:
        """Remove these accounts."""
        return Message(message=f"{self.services.accounts.delete_pending(caller())} row(s) deleted")


class Accept(ServiceXResource):
    """The approval of accounts."""

    @operation(body=AcceptBody, failures=(404,), access=Access.ADMIN)
    def post(self, body: AcceptBody) -> Message:
        """Approve the account of an e-mail address."""
        user = self.services.accounts.approve(caller(), body.email)
        return Message(message=f"user {user.verified_email} now ready for access")
