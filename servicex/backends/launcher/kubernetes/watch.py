"""What is seen of all our transformers: asked of the cluster for all at once, and no more often than needed."""
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from servicex.backends.launcher.base import Kill
from servicex.backends.launcher.kubernetes import conditions, pods
from servicex.backends.launcher.kubernetes.cluster import Cluster, NotAllowed, Object
from servicex.backends.launcher.kubernetes.names import REQUEST_ID, our_labels

log = logging.getLogger(__name__)
# A look is good for so many seconds, or for so many times as long as it took.
GOOD_SECONDS = 2.0
GOOD_TIMES = 10
# After so many seconds it is tried again whether pods may be looked at.
FORBIDDEN_SECONDS = 300.0
# Without a look at pods, one that waits for room looks like one that cannot start: it is given so many times as long.
BLIND_PATIENCE = 6


@dataclass(frozen=True)
class Seen:
    """A transform's Deployment, and what its pods do; None where they may not be looked at."""

    deployment: Object
    pods: pods.PodSummary | None

    @property
    def trouble(self) -> str:
        """Why no pod of it can start, in the cluster's words; empty if one runs or may yet."""
        if self.pods is None:
            return "" if conditions.ready(self.deployment) else conditions.late(self.deployment)
        return "" if pods.RUNNING in self.pods.states else self.pods.trouble


class Watch:
    """The transformers of one server, by request id. Thread-safe."""

    def __init__(self, cluster: Cluster, instance: str):
        self._cluster = cluster
        self._labels = our_labels(instance)
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}
        self._good_until = 0.0
        self._forbidden = ""
        self._ask_again = 0.0
        self._trouble_since: dict[str, float] = {}
        self._kills: defaultdict[str, dict[str, Kill]] = defaultdict(dict)

    def get(self, request_id: str) -> Seen | None:
        """A transform's transformers; None if there are none. Raises Unavailable."""
        with self._lock:
            self._look()
            return self._seen.get(request_id)

    def request_ids(self) -> list[str]:
        """The transforms that have transformers. Raises Unavailable."""
        with self._lock:
            self._look()
            return list(self._seen)

    def put(self, request_id: str, deployment: Object) -> None:
        """Note a Deployment that was just made or changed."""
        with self._lock:
            known = self._seen.get(request_id)
            none_yet = None if self._forbidden else pods.summary(())
            self._seen[request_id] = Seen(deployment, known.pods if known else none_yet)

    def forget(self, request_id: str) -> None:
        """Note that a transform's transformers are gone."""
        with self._lock:
            self._seen.pop(request_id, None)
            self._trouble_since.pop(request_id, None)
            self._kills.pop(request_id, None)

    def kills(self, request_id: str) -> tuple[Kill, ...]:
        """All kills seen so far; the cluster itself forgets all but the last of each container."""
        with self._lock:
            return tuple(self._kills[request_id].values()) if request_id in self._kills else ()

    def trouble_seconds(self, request_id: str) -> float:
        """For how long no pod of a transform could start."""
        with self._lock:
            since = self._trouble_since.get(request_id)
            return 0.0 if since is None else time.monotonic() - since

    @property
    def forbidden(self) -> str:
        """Why pods may not be looked at, in the cluster's words; empty if they may."""
        return self._forbidden

    def _look(self) -> None:
        if time.monotonic() < self._good_until:
            return
        began = time.monotonic()
        found = {_request_id(found): found for found in self._cluster.list("Deployment", self._labels)}
        summaries = self._summaries()
        self._seen = {name: Seen(deployment, _summary(name, summaries)) for name, deployment in found.items()}
        self._remember()
        took = time.monotonic() - began
        self._good_until = time.monotonic() + max(GOOD_SECONDS, GOOD_TIMES * took)

    def _summaries(self) -> Mapping[str, pods.PodSummary] | None:
        """What the pods of each transform do; None if they may not be looked at."""
        if time.monotonic() < self._ask_again:
            return None
        by_transform: defaultdict[str, list[Object]] = defaultdict(list)
        try:
            for pod in self._cluster.list("Pod", self._labels):
                by_transform[_request_id(pod)].append(pod)
        except NotAllowed as error:
            if not self._forbidden:
                log.warning("pods may not be looked at, only Deployments: %s", error.message)
            self._forbidden, self._ask_again = error.message, time.monotonic() + FORBIDDEN_SECONDS
            return None
        self._forbidden = ""
        return {name: pods.summary(found) for name, found in by_transform.items()}

    def _remember(self) -> None:
        """Keep what the cluster forgets: since when there is trouble, and who was killed."""
        for name in set(self._kills) - set(self._seen):
            del self._kills[name]
        self._trouble_since = {name: self._trouble_since.get(name, time.monotonic())
                               for name, seen in self._seen.items() if seen.trouble}
        for name, seen in self._seen.items():
            if seen.pods and seen.pods.kills:
                self._kills[name] |= {kill.key: kill for kill in seen.pods.kills}


def _summary(name: str, summaries: Mapping[str, pods.PodSummary] | None) -> pods.PodSummary | None:
    return None if summaries is None else summaries.get(name, pods.summary(()))


def _request_id(found: Object) -> str:
    return str(found["metadata"]["labels"].get(REQUEST_ID, ""))
