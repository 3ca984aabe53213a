"""The Deployment of a transform."""
from typing import Any

from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.kubernetes import sidecar_pod, worker_pod
from servicex.backends.launcher.kubernetes.names import LAYOUT, labels, transformer_name
from servicex.backends.launcher.kubernetes.options import ClusterOptions
from servicex.errors import ServiceXError

WORKER = "worker"
SIDECAR = "sidecar"
OLD_DEPLOYMENTS = 0


def make_deployment(job: TransformJob, options: ClusterOptions) -> dict[str, Any]:
    """The Deployment without any pods yet: they come when all that they need is there.

    Raises ServiceXError for an image that nothing here can run.
    """
    kind = layout(job, options)
    name = transformer_name(job.request_id)
    ours = labels(options.instance, job.request_id)
    make_pod_spec = worker_pod.make_pod_spec if kind == WORKER else sidecar_pod.make_pod_spec
    return {
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": ours, "annotations": {LAYOUT: kind}},
        "spec": {
            "replicas": 0,
            "progressDeadlineSeconds": max(1, int(options.start_seconds)),
            "revisionHistoryLimit": OLD_DEPLOYMENTS,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": ours | {"app": name}},
                "spec": _pod_defaults(options) | make_pod_spec(job, options),
            },
        },
    }


def layout(job: TransformJob, options: ClusterOptions) -> str:
    """Which of the two layouts a transform's pods have."""
    if options.worker.image and job.image == options.worker.image:
        return WORKER
    if not options.sidecar.image:
        raise ServiceXError(f"The image {job.image} needs a sidecar, and this server has none "
                            "(TRANSFORMER_SIDECAR_IMAGE).")
    return SIDECAR


def _pod_defaults(options: ClusterOptions) -> dict[str, Any]:
    """What holds for users' programs in whatever layout: they have no business with the cluster."""
    defaults: dict[str, Any] = {
        "restartPolicy": "Always", "automountServiceAccountToken": False, "enableServiceLinks": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
    }
    return defaults | {"priorityClassName": options.priority_class} if options.priority_class else defaults
