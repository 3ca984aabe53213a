"""The fake API server as tests have it: started on a free port, with the knobs that a real one has not."""
import sys
import threading
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.kubernetes.fake.access import Caller, Callers
from tests.kubernetes.fake.controllers import Controllers
from tests.kubernetes.fake.http import handler
from tests.kubernetes.fake.parts import Logs
from tests.kubernetes.fake.resources import DEPLOYMENTS, NAMESPACES, REPLICA_SETS
from tests.kubernetes.fake.store import Store
from tests.kubernetes.fake.troubles import Trouble, Troubles

# How often deadlines of Deployments are looked at. Everything else is done by the request that causes it.
TICK_SECONDS = 0.2


@dataclass
class State:
    """All that the server knows."""

    closing: threading.Event = field(default_factory=threading.Event)
    store: Store = field(default_factory=Store)
    callers: Callers = field(default_factory=Callers)
    logs: Logs = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.troubles = Troubles(self.closing)
        self.controllers = Controllers(self.store)

    def settle(self) -> None:
        """Have the controllers do their work till nothing is left to do."""
        self.controllers.settle()


class FakeKubernetes:
    """A Kubernetes API server with the controllers of Deployments, replica sets and garbage; a context manager.

    `url` is where it listens, `token` is that of a user who may do everything, `namespace` is there from the start.
    The controllers work within the request that gives them reason to: its answer finds all done. There are neither
    nodes nor a scheduler: what pods do is what their status is set to.
    """

    def __init__(self, namespace: str = "default") -> None:
        self.state = State()
        self.token = self.state.callers.add(Caller("tester"))
        self.namespace = namespace
        self.state.store.add(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace},
                                          "status": {"phase": "Active"}})
        self._server = _Server(("127.0.0.1", 0), handler(self.state))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "FakeKubernetes":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.state.closing.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def requests(self) -> list[str]:
        """The requests so far: method and path with its query, as they came."""
        return list(self.state.requests)

    def limited_token(self, name: str, namespace: str, denied: set[tuple[str, str]]) -> str:
        """The token of a user who has rights in one namespace only, and not those; see `access.Caller`."""
        return self.state.callers.add(Caller(name, namespace, denied))

    def refuse(self, status: int, count: int = 1, matching: str = "", retry_after: int | None = None) -> None:
        """Answer the next `count` requests whose method and path contain `matching` with that status."""
        self.state.troubles.pending.append(Trouble(count, matching, status=status, retry_after=retry_after))

    def drop(self, count: int = 1, matching: str = "", after: bool = False) -> None:
        """Close the connections of the next requests, before they are done or `after` it, in place of the answer."""
        self.state.troubles.pending.append(Trouble(count, matching, drop=True, after=after))

    def delay(self, seconds: float, count: int = 1, matching: str = "") -> None:
        """Have the next requests wait before they are done."""
        self.state.troubles.pending.append(Trouble(count, matching, seconds=seconds))

    def hang(self, count: int = 1, matching: str = "") -> None:
        """Never do nor answer the next requests; their connections end with the server."""
        self.state.troubles.pending.append(Trouble(count, matching, seconds=3600.0, drop=True))

    def calm(self) -> None:
        """Have nothing more go wrong."""
        self.state.troubles.pending.clear()

    def refuse_pods(self, message: str | None) -> None:
        """Have no more pods be made, for the reason told, as under a quota; None ends that."""
        self.state.controllers.refusal = message
        self.state.controllers.look_at_all(REPLICA_SETS)

    def set_log(self, namespace: str, pod: str, container: str, text: str, previous: bool = False) -> None:
        """What the container has printed, or the one before it. Only pods on a node have logs."""
        self.state.logs[namespace, pod, container, previous] = text

    def forget_changes(self) -> None:
        """Forget what has changed so far: a watch from an older version is answered with 410."""
        self.state.store.forget()

    def _tick(self) -> None:
        while not self.state.closing.wait(TICK_SECONDS):
            self.state.controllers.look_at_all(DEPLOYMENTS)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Clients that come all at once wait rather than be refused.
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that are killed in the middle of a request, as tests do with controllers."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
