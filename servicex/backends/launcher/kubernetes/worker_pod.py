"""Pods of one container: our own worker, `servicex-app worker`, with the image of this server."""
from typing import Any

from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.kubernetes.container import common_environment, plain, resources
from servicex.backends.launcher.kubernetes.credentials import broker_environment, store_environment
from servicex.backends.launcher.kubernetes.options import ClusterOptions
from servicex.backends.launcher.kubernetes.program import FOLDER
from servicex.backends.launcher.kubernetes.volumes import (RESULTS_FOLDER, VOLUME, X509_FOLDER, definitions, mounts,
                                                           scratch_volume, shared_volumes)

SCRATCH = "/scratch"
GRACE_SECONDS = 60
# Users' programs run as this user, which the image has, and which owns nothing.
PROGRAM_USER = 1001
# The worker changes to the user of programs, gives it files, reads and removes what it leaves, and ends its processes.
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"]


def make_pod_spec(job: TransformJob, options: ClusterOptions) -> dict[str, Any]:
    """The pod of our own worker."""
    # The image is read-only; what libraries write goes to the two folders.
    volumes = [scratch_volume("scratch", SCRATCH), scratch_volume("tmp", "/tmp"), *shared_volumes(job, options)]
    return {
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "containers": [_worker(job, options) | {"volumeMounts": mounts(volumes)}],
        "volumes": definitions(volumes),
    }


def _worker(job: TransformJob, options: ClusterOptions) -> dict[str, Any]:
    return {
        "name": "worker",
        "image": options.worker.image,
        "imagePullPolicy": options.worker.pull_policy,
        "command": ["servicex-app", "worker"],
        "args": _arguments(job, options),
        "env": _environment(job, options),
        "resources": resources(options.resources),
        "securityContext": {
            "runAsUser": 0, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": CAPABILITIES},
        },
    }


def _arguments(job: TransformJob, options: ClusterOptions) -> list[str]:
    """No shell reads them. What a user has chosen stands behind `=`, so that it is never taken for an option."""
    arguments = [f"--request-id={job.request_id}", f"--program={FOLDER}", f"--language={job.language}",
                 f"--command={job.command}", f"--result-format={job.result_format}",
                 f"--destination={job.result_destination}", f"--child-user={PROGRAM_USER}"]
    if options.x509_secret:
        arguments.append(f"--x509={X509_FOLDER}/x509up")
    return [_no_expansion(argument) for argument in arguments]


def _environment(job: TransformJob, options: ClusterOptions) -> list[dict[str, Any]]:
    settings = {"DATA_DIRECTORY": SCRATCH, "WORKER_MEMORY_BYTES": str(options.worker.memory_bytes),
                **options.worker.settings}
    if options.cache_prefix:
        settings["TRANSFORMER_CACHE_PREFIX"] = options.cache_prefix
    if job.result_destination == VOLUME:
        settings |= {"RESULTS_VOLUME": RESULTS_FOLDER, "TRANSFORMER_PERSISTENCE_SUBDIR": options.results_folder}
        stores = []
    else:
        settings |= {"MINIO_REGION": options.store.region} if options.store else {}
        stores = store_environment(job.request_id, options)
    return [*common_environment(options), *plain(settings), *broker_environment(job.request_id), *stores]


def _no_expansion(argument: str) -> str:
    """The argument as the cluster has to be given it: it would put a variable's value for $(NAME)."""
    return argument.replace("$", "$$")
