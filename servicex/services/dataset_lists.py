"""The datasets page: what is known of each look-up, and who uses it."""
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from servicex.models import Dataset, TransformRequest, User
from servicex.services.caller import Caller
from servicex.services.transactions import Transactions

PAGE_ROWS = 25
# Transforms of one dataset are counted so far; a popular one may have very many.
MOST_COUNTED = 200


@dataclass(frozen=True)
class ListedDataset:
    """A dataset with how many transforms use it, at most `MOST_COUNTED`, and for administrators of how many each."""

    dataset: Dataset
    transforms: int
    users: Mapping[str, int]


@dataclass(frozen=True)
class DatasetPage:
    """One page, newest first; `older` and `newer` are the ids to go on from, None at an end of the list."""

    rows: Sequence[ListedDataset]
    older: int | None
    newer: int | None


class DatasetLists:
    """Reads pages of the datasets that whoever names them gets: those that are not stale."""

    def __init__(self, transactions: Transactions):
        self._transactions = transactions

    def page(self, caller: Caller, before: int | None = None, after: int | None = None) -> DatasetPage:
        """The datasets before an id, or those next after one, or the newest; in two statements."""
        key = Dataset.id if after is not None else Dataset.id.desc()
        query = select(Dataset).where(~Dataset.is_stale).order_by(key).limit(PAGE_ROWS + 1)
        if after is not None:
            query = query.where(Dataset.id > after)
        elif before is not None:
            query = query.where(Dataset.id < before)
        with self._transactions.read() as session:
            found = session.scalars(query).all()
            shown = found[:PAGE_ROWS] if after is None else found[:PAGE_ROWS][::-1]
            used = _used(session, [dataset.id for dataset in shown])
        rows = [_listed(caller, dataset, used.get(dataset.id, {})) for dataset in shown]
        more, begun = len(found) > PAGE_ROWS, before is not None
        older = shown[-1].id if shown and (more or after is not None) else None
        newer = shown[0].id if shown and (more if after is not None else begun) else None
        return DatasetPage(rows, older, newer)


def _listed(caller: Caller, dataset: Dataset, users: Mapping[str | None, int]) -> ListedDataset:
    named = {name or "somebody who is gone": count for name, count in users.items()} if caller.user_id else {}
    return ListedDataset(dataset, sum(users.values()), named if caller.admin else {})


def _used(session: Session, dataset_ids: Sequence[int]) -> Mapping[int, Mapping[str | None, int]]:
    if not dataset_ids:
        return {}
    each = union_all(*(select(part) for part in (
        select(TransformRequest.did_id, TransformRequest.submitted_by).where(
            TransformRequest.did_id == dataset_id, TransformRequest.deleted_at.is_(None)).limit(MOST_COUNTED).subquery()
        for dataset_id in dataset_ids))).subquery()
    query = select(each.c.did_id, User.name, func.count()).outerjoin(User, User.id == each.c.submitted_by).group_by(
        each.c.did_id, User.id, User.name)
    used: dict[int, dict[str | None, int]] = defaultdict(lambda: defaultdict(int))
    for dataset_id, name, count in session.execute(query):
        used[dataset_id][name] += count
    return used
