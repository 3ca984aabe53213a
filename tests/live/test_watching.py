"""What those who watch are told, what it costs, and when it ends."""
import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine, update

from servicex.errors import NotFound, Unavailable
from servicex.models import ApiToken, SignIn, TransformRequest, TransformStatus, User
from servicex.models.base import now
from servicex.services.caller import SINGLE_USER, Caller
from servicex.services.live import LiveStates, TooManyWatch, live_state
from servicex.services.rights import Proof
from tests.databases import House
from tests.live.conftest import statements

SECONDS = 20.0


def set_to(house: House, transform: TransformRequest, **values: object) -> None:
    """Have the row say something else."""
    with house.transactions.write() as session:
        session.execute(update(TransformRequest).where(TransformRequest.id == transform.id).values(**values))


def test_first_is_told_how_it_is_then_what_changes(house: House, live: LiveStates) -> None:
    transform = house.submit(files=["/a", "/b"])
    with live.watch(SINGLE_USER, [transform.request_id]) as watch:
        (first,) = watch.next(SECONDS)
        assert (first.files, first.files_completed, first.status) == (2, 0, TransformStatus.RUNNING)
        assert list(watch.next(0.3)) == []
        set_to(house, transform, files_completed=1, total_events=7)
        (second,) = watch.next(SECONDS)
        assert (second.files_completed, second.events) == (1, 7)
        assert second.files_rate > 0 and second.seconds_left is not None
        assert second.version != first.version == live_state(transform).version


def test_it_has_ended_once_all_was_told(house: House, live: LiveStates) -> None:
    transforms = [house.submit(files=["/a"]) for _ in range(2)]
    with live.watch(SINGLE_USER, [t.request_id for t in transforms]) as watch:
        assert len(watch.next(SECONDS)) == 2
        house.transforms.cancel(SINGLE_USER, transforms[0].request_id)
        assert [state.status for state in watch.next(SECONDS)] == [TransformStatus.CANCELED]
        assert not watch.ended
        set_to(house, transforms[1], status=TransformStatus.COMPLETE)
        assert not watch.ended
        assert [state.status for state in watch.next(SECONDS)] == [TransformStatus.COMPLETE]
        assert watch.ended


def test_slow_one_is_told_the_newest_alone(house: House, live: LiveStates) -> None:
    transform = house.submit(files=["/a"] * 1)
    with live.watch(SINGLE_USER, [transform.request_id]) as slow, \
            live.watch(SINGLE_USER, [transform.request_id]) as quick:
        quick.next(SECONDS)
        for events in range(1, 6):
            set_to(house, transform, total_events=events)
            assert [state.events for state in quick.next(SECONDS)] == [events]
        assert [state.events for state in slow.next(SECONDS)] == [5]
        assert list(slow.next(0.0)) == []


def test_deleted_transform_ends_it(house: House, live: LiveStates) -> None:
    transform = house.submit(files=["/a"])
    with live.watch(SINGLE_USER, [transform.request_id]) as watch:
        watch.next(SECONDS)
        set_to(house, transform, deleted_at=now())
        assert list(watch.next(SECONDS)) == []
        assert watch.ended


def test_statements_do_not_grow_with_those_who_watch(house: House, engine: Engine, live: LiveStates) -> None:
    transforms = [house.submit(files=["/a"]) for _ in range(3)]
    counts = []
    for many in (1, 9):
        watches = [live.watch(SINGLE_USER, [t.request_id for t in transforms]) for _ in range(many)]
        for watch in watches:
            watch.next(SECONDS)
        with statements(engine) as seen:
            time.sleep(1.0)
        counts.append(sum("FROM requests" in one for one in seen))
        for watch in watches:
            watch.close()
    assert all(2 <= count <= 12 for count in counts), counts


def test_nobody_watches_nothing_is_asked(house: House, engine: Engine, live: LiveStates) -> None:
    transform = house.submit(files=["/a"])
    with live.watch(SINGLE_USER, [transform.request_id]) as watch:
        watch.next(SECONDS)
    time.sleep(0.3)  # what is under way may end
    with statements(engine) as seen:
        time.sleep(0.5)
    assert seen == []


def test_there_is_room_for_so_many(house: House, live: LiveStates) -> None:
    transform = house.submit(files=["/a"])
    watches = [live.watch(SINGLE_USER, [transform.request_id]) for _ in range(10)]
    with pytest.raises(TooManyWatch, match="now and then"):
        live.watch(SINGLE_USER, [transform.request_id])
    watches.pop().close()
    live.watch(SINGLE_USER, [transform.request_id])


def test_what_is_somebody_elses_is_not_found(house: House, live: LiveStates) -> None:
    transform = house.submit(files=["/a"])
    with pytest.raises(NotFound):
        live.watch(Caller(user_id=1, admin=False), [transform.request_id])
    assert list(live.now(Caller(user_id=1, admin=False), [transform.request_id, str(transform.id)])) == []


def test_end_of_the_server_ends_it_at_once(house: House, live: LiveStates) -> None:
    transform = house.submit(files=["/a"])
    watch = live.watch(SINGLE_USER, [transform.request_id])
    watch.next(SECONDS)
    later = threading.Timer(0.2, live.close)
    later.start()
    begun = time.monotonic()
    assert list(watch.next(SECONDS)) == [] and watch.ended
    assert time.monotonic() - begun < SECONDS / 2
    with pytest.raises(Unavailable, match="about to end"):
        live.watch(SINGLE_USER, [transform.request_id])


@pytest.fixture
def let_in(house: House) -> Proof:
    """Somebody with an account, who came with a browser and with a token."""
    with house.transactions.write() as session:
        user = User(sub=uuid4().hex, email="ada@example.org", name="Ada", pending=False, admin=True)
        session.add(user)
        session.flush()
        sign_in = SignIn(digest=uuid4().hex, user_id=user.id, identity="{}", expires_at=now() + timedelta(days=1))
        token = ApiToken(user_id=user.id, name="laptop", digest=uuid4().hex)
        session.add_all([sign_in, token])
        session.flush()
        return Proof(user.id, True, sign_in.id, token.id, now() + timedelta(days=1))


@pytest.mark.parametrize("loses", [
    update(User).values(pending=True), update(User).values(admin=False), update(ApiToken).values(revoked_at=now()),
    SignIn.__table__.delete(), User.__table__.delete()], ids=["pending", "no admin", "token", "sign-in", "account"])
def test_who_loses_the_right_is_told_no_more(house: House, live: LiveStates, let_in: Proof, loses: object) -> None:
    transform = house.submit(files=["/a"])
    with live.watch(SINGLE_USER, [transform.request_id], let_in) as watch:
        watch.next(SECONDS)
        assert list(watch.next(0.3)) == [] and not watch.ended
        with house.transactions.write() as session:
            session.execute(loses)  # type: ignore[call-overload]
        assert list(watch.next(SECONDS)) == [] and watch.ended


def test_expired_token_ends_it(house: House, live: LiveStates, let_in: Proof) -> None:
    transform = house.submit(files=["/a"])
    short = Proof(let_in.user_id, True, expires_at=now() + timedelta(seconds=0.3))
    with live.watch(SINGLE_USER, [transform.request_id], short) as watch:
        watch.next(SECONDS)
        assert list(watch.next(SECONDS)) == [] and watch.ended
