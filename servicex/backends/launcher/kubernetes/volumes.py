"""What the containers of a transform find where."""
from collections.abc import Sequence
from typing import Any

from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.kubernetes.options import ClusterOptions
from servicex.backends.launcher.kubernetes.program import FOLDER, program_volume

X509_FOLDER = "/etc/grid-security-ro"
LOCAL_FOLDER = "/data"
RESULTS_FOLDER = "/posix_volume"
VOLUME = "volume"

Volume = tuple[dict[str, Any], dict[str, Any]]


def shared_volumes(job: TransformJob, options: ClusterOptions) -> list[Volume]:
    """What every layout has: each volume with how it is mounted."""
    volumes = [_mounted(program_volume(job.request_id, job.files), FOLDER, read_only=True)]
    if options.x509_secret:
        secret = {"name": "x509-secret", "secret": {"secretName": options.x509_secret}}
        volumes.append(_mounted(secret, X509_FOLDER, read_only=True))
    if options.local_path:
        volumes.append(_mounted({"name": "rootfiles", "hostPath": {"path": options.local_path}}, LOCAL_FOLDER,
                                read_only=True))
    if job.result_destination == VOLUME:
        claim = {"name": "posix-volume", "persistentVolumeClaim": {"claimName": options.claim}}
        volumes.append(_mounted(claim, RESULTS_FOLDER))
    return volumes


def scratch_volume(name: str, path: str) -> Volume:
    """A folder that lives as long as the pod."""
    return _mounted({"name": name, "emptyDir": {}}, path)


def definitions(volumes: Sequence[Volume]) -> list[dict[str, Any]]:
    """What a pod is told of the volumes."""
    return [volume for volume, _ in volumes]


def mounts(volumes: Sequence[Volume]) -> list[dict[str, Any]]:
    """What a container is told of them."""
    return [mount for _, mount in volumes]


def _mounted(volume: dict[str, Any], path: str, read_only: bool = False) -> Volume:
    mount = {"name": volume["name"], "mountPath": path}
    return volume, mount | {"readOnly": True} if read_only else mount
