"""Transforms watched live: Server-Sent Events (WHATWG HTML, section 9.2), and the plain list for whoever cannot."""
from collections.abc import Iterator

from flask import Response

from servicex.api import turns
from servicex.api.auth import authentication, caller
from servicex.api.operation import operation
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import EventsHeaders, IdsQuery, LiveList, LiveRecord, StateRecord, StatesQuery
from servicex.backends.launcher.base import WorkersStatus
from servicex.models import TransformStatus
from servicex.services.live import LiveState, Watch

EVENT_STREAM = "text/event-stream"
# Afterwards a browser asks again, if the connection broke.
RETRY_MILLISECONDS = 3000
# nginx would hold events back until it has a page full of them.
HEADERS = {"X-Accel-Buffering": "no"}
# A cluster is asked for the workers of each transform by itself.
MOST_ASKED = 15
HEARTBEAT = b": nothing new\n\n"


class Events(ServiceXResource):
    """How a transform is, live."""

    @operation(answer=LiveRecord, headers=EventsHeaders, failures=(503,), media=EVENT_STREAM)
    def get(self, request_id: str, headers: EventsHeaders) -> Response:
        """An event `state` now and whenever something changes, until the transform has ended."""
        return _stream(self, [request_id], headers)


class EventsOfSeveral(ServiceXResource):
    """How several transforms are, live."""

    @operation(answer=LiveRecord, query=IdsQuery, headers=EventsHeaders, failures=(404, 503), media=EVENT_STREAM)
    def get(self, query: IdsQuery, headers: EventsHeaders) -> Response:
        """The same for several, until all of them have ended. Those that the caller may not see are left out."""
        return _stream(self, query.names, headers)


class States(ServiceXResource):
    """How several transforms are."""

    @operation(answer=LiveList, query=StatesQuery)
    def get(self, query: StatesQuery) -> LiveList:
        """What the events tell, once, for those who get no stream; with `workers` what these are, too."""
        states = self.services.live.now(caller(), query.names)
        running = [state.request_id for state in states if state.status is TransformStatus.RUNNING]
        asked = running[:MOST_ASKED] if query.workers else []
        workers = {request_id: self.services.workers(request_id) for request_id in asked}
        return LiveList(transforms=[_state_record(state, workers.get(state.request_id)) for state in states])


class EventStream:
    """What is sent to one client, until it or the transforms are gone."""

    def __init__(self, watch: Watch, heartbeat: float, turn: turns.Turn):
        self._watch = watch
        self._heartbeat = heartbeat
        self._turn = turn

    def __iter__(self) -> Iterator[bytes]:
        self._turn.give_back()
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        while not self._watch.ended:
            news = b"".join(_event(state, self._watch.version) for state in self._watch.next(self._heartbeat))
            yield news or HEARTBEAT

    def close(self) -> None:
        """Let another one have the place."""
        self._watch.close()


def live_record(state: LiveState) -> LiveRecord:
    """How far a transform is, as events tell it."""
    return LiveRecord(
        request_id=state.request_id, status=state.status.text, terminal=state.status.terminal, files=state.files,
        files_completed=state.files_completed, files_failed=state.files_failed,
        files_remaining=state.files - state.files_reported if state.files else None, total_events=state.events,
        total_bytes=state.bytes, files_per_second=state.files_rate, events_per_second=state.events_rate,
        seconds_left=state.seconds_left, finish_time=state.finish_time, failure_info=state.failure)


def _state_record(state: LiveState, workers: WorkersStatus | None) -> StateRecord:
    return StateRecord(**live_record(state).model_dump(), workers_ready=workers.ready if workers else None,
                       workers_wanted=workers.workers if workers else None)


def _stream(resource: ServiceXResource, names: list[str], headers: EventsHeaders) -> Response:
    watch = resource.services.live.watch(caller(), names, authentication().proof(caller()))
    if headers.last_event_id == watch.version:
        watch.skip()
    if watch.ended:
        watch.close()
        return Response(status=204)  # which has a browser not come again
    stream = EventStream(watch, resource.services.heartbeat, turns.turn())
    return Response(stream, mimetype=EVENT_STREAM, headers=HEADERS)


def _event(state: LiveState, version: str) -> bytes:
    return f"id: {version}\nevent: state\ndata: {live_record(state).model_dump_json(by_alias=True)}\n\n".encode()
