"""Users and their tokens."""
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from servicex.adoption.carry import carried
from servicex.adoption.notes import Notes
from servicex.adoption.old_database import OldDatabase
from servicex.models import Base
from servicex.models.base import now
from servicex.models.user import digest

USERS = Base.metadata.tables["users"]
EARLIER = "from the earlier server"
SAME_SUB = "users whose sub an earlier one has, told apart by their number"


def users(old: OldDatabase, notes: Notes) -> Iterator[dict[str, Any]]:
    """Every user with the token. What identifies one was to be unique, but the tables did not see to it."""
    table = old.tables["users"]
    known = set()
    for row in old.rows(select(table).order_by(table.c.id)):
        sub = row["sub"]
        if sub in known:
            notes.changed(SAME_SUB)
            sub = f"{sub[:100]}#{row['id']}"
        known.add(sub)
        yield {**carried(row, USERS), "sub": sub}


def api_tokens(old: OldDatabase) -> Iterator[dict[str, Any]]:
    """Every user's token, as what is kept of one: it still works, and can no longer be read here."""
    table = old.tables["users"]
    made = now()
    for row in old.rows(select(table).order_by(table.c.id)):
        if row["refresh_token"]:
            yield {"user_id": row["id"], "name": EARLIER, "digest": digest(row["refresh_token"]), "created_at": made}
