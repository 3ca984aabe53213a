"""The launcher of a cluster: one Deployment a transform, with as many pods as its files deserve."""
import logging

from servicex.backends.launcher.base import Launcher, TransformJob, WorkersStatus
from servicex.backends.launcher.kubernetes import conditions, pods
from servicex.backends.launcher.kubernetes.cluster import Cluster, Object
from servicex.backends.launcher.kubernetes.credentials import make_secret
from servicex.backends.launcher.kubernetes.deployment import WORKER, make_deployment
from servicex.backends.launcher.kubernetes.names import COMPLETE, LAYOUT, labels, transformer_name
from servicex.backends.launcher.kubernetes.options import ClusterOptions
from servicex.backends.launcher.kubernetes.program import make_config_maps
from servicex.backends.launcher.kubernetes.watch import BLIND_PATIENCE, Seen, Watch
from servicex.errors import Unavailable

log = logging.getLogger(__name__)
# Our own worker takes a second message while it works on the first; a sidecar does not.
MESSAGES_OF_A_WORKER = 2
LOGS_OF_PODS = 10


class KubernetesLauncher(Launcher):
    """Runs transformers in one namespace of a cluster. Methods raise Unavailable when the cluster is away."""

    def __init__(self, cluster: Cluster, options: ClusterOptions):
        self._cluster = cluster
        self._options = options
        self._watch = Watch(cluster, options.instance)

    def start(self, job: TransformJob, workers: int) -> None:
        """Make the Deployment, then what its pods need, then the pods.

        The Deployment owns the rest, so that its removal takes all along. Raises ServiceXError for what no cluster
        takes.
        """
        config_maps = make_config_maps(job.request_id, job.files, self._options.instance)
        self._cluster.create(make_deployment(job, self._options))
        deployment = self._cluster.get("Deployment", transformer_name(job.request_id))
        if deployment is None:
            raise Unavailable("The Deployment was removed as soon as it was made.")
        for body in (make_secret(job.request_id, self._options), *config_maps):
            self._create_owned(body, deployment)
        self._set(job.request_id, max(workers, conditions.replicas(deployment)))

    def scale(self, request_id: str, workers: int) -> None:
        """Have more workers; never fewer, since the cluster would end any, whatever they are doing."""
        seen = self._watch.get(request_id)
        if seen is not None and workers > conditions.replicas(seen.deployment):
            self._set(request_id, workers)

    def status(self, request_id: str) -> WorkersStatus | None:
        """What the cluster says of the pods: `running`, `starting`, `unschedulable`, `failing`, `ending`."""
        seen = self._watch.get(request_id)
        if seen is None or not conditions.is_complete(seen.deployment):
            return None
        patience = self._options.start_seconds * (BLIND_PATIENCE if seen.pods is None else 1)
        return WorkersStatus(
            workers=conditions.replicas(seen.deployment), ready=conditions.ready(seen.deployment), states=_states(seen),
            in_hand=0, messages_each=_messages_each(seen.deployment), trouble=seen.trouble,
            hopeless=self._watch.trouble_seconds(request_id) > patience, notes=_notes(seen),
            kills=self._watch.kills(request_id))

    def logs(self, request_id: str, tail: int) -> str:
        """The last lines of each container of some pods, under the name of pod and container."""
        printed = []
        for pod in list(self._cluster.list("Pod", labels(self._options.instance, request_id)))[:LOGS_OF_PODS]:
            name = pod["metadata"]["name"]
            for container in (container["name"] for container in pod["spec"]["containers"]):
                if text := self._cluster.log(name, container, tail):
                    printed.append(f"=== {name} {container}\n{text.rstrip()}\n")
        return "".join(printed)

    def stop(self, request_id: str) -> None:
        """Remove the Deployment, and with it in time all that it owns."""
        self._cluster.delete("Deployment", transformer_name(request_id))
        self._watch.forget(request_id)

    def request_ids(self) -> list[str]:
        """The transforms that have a Deployment of this server's."""
        return self._watch.request_ids()

    def health(self) -> str:
        """Whether the cluster answers, and what the server may not see of it. Raises Unavailable."""
        self._watch.request_ids()
        forbidden = self._watch.forbidden
        return f"Pods may not be looked at, only Deployments. {forbidden}" if forbidden else ""

    def close(self) -> None:
        """Transformers go on without this process: another controller, or the next, has them."""

    def _create_owned(self, body: Object, owner: Object) -> None:
        """Make an object that goes with its owner. One of an earlier owner is about to be removed, and makes way."""
        owned = {**body, "metadata": {**body["metadata"], "ownerReferences": [_reference(owner)]}}
        if self._cluster.create(owned):
            return
        kind, name = body["kind"], body["metadata"]["name"]
        there = self._cluster.get(kind, name)
        if there is not None and _owner(there) != owner["metadata"]["uid"]:
            self._cluster.delete(kind, name)
            there = None
        if there is None and not self._cluster.create(owned):
            raise Unavailable(f"An earlier {name} is still being removed from the cluster.")

    def _set(self, request_id: str, workers: int) -> None:
        changes = {"metadata": {"annotations": {COMPLETE: "true"}}, "spec": {"replicas": workers}}
        changed = self._cluster.patch("Deployment", transformer_name(request_id), changes)
        if changed is not None:
            self._watch.put(request_id, changed)
            log.info("transform %s has %d transformers", request_id, workers)


def _states(seen: Seen) -> dict[str, int]:
    if seen.pods is not None:
        return dict(seen.pods.states)
    ready = conditions.ready(seen.deployment)
    counts = {pods.RUNNING: ready, pods.STARTING: max(0, conditions.replicas(seen.deployment) - ready)}
    return {state: count for state, count in counts.items() if count}


def _notes(seen: Seen) -> tuple[str, ...]:
    """What a person should know of workers that are not there."""
    waiting = seen.pods.waiting if seen.pods else ""
    notes = (f"Waiting for room in the cluster: {waiting}" if waiting else "", conditions.refused(seen.deployment))
    return tuple(filter(None, notes))


def _messages_each(deployment: Object) -> int:
    layout = (deployment["metadata"].get("annotations") or {}).get(LAYOUT)
    return MESSAGES_OF_A_WORKER if layout == WORKER else 1


def _reference(owner: Object) -> Object:
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"]}


def _owner(there: Object) -> str:
    owners = there["metadata"].get("ownerReferences") or [{}]
    return str(owners[0].get("uid", ""))
