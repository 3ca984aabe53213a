"""Pods of two containers: a sidecar that talks to broker, store and server, and the science image it feeds.

The sidecar is the existing one; its options, folders and the way it is given the program are fixed.
"""
import shlex
from typing import Any

from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.kubernetes.container import common_environment, plain, resources
from servicex.backends.launcher.kubernetes.credentials import broker_environment, store_environment
from servicex.backends.launcher.kubernetes.options import ClusterOptions
from servicex.backends.launcher.kubernetes.program import FOLDER
from servicex.backends.launcher.kubernetes.volumes import (RESULTS_FOLDER, VOLUME, definitions, mounts, scratch_volume,
                                                           shared_volumes)

SIDECAR_PROGRAM = "/servicex/transformer_sidecar"
# The sidecar ends in seconds when it is idle, and has a file to give back when it is not.
GRACE_SECONDS = 300
# It copies its scripts when it starts: a science container that is faster would end, and be started ever more slowly.
SCRIPTS_SECONDS = 300


def make_pod_spec(job: TransformJob, options: ClusterOptions) -> dict[str, Any]:
    """The pod of a science image with its sidecar."""
    volumes = [scratch_volume("sidecar-volume", options.sidecar.shared_folder), *shared_volumes(job, options)]
    shared = {"volumeMounts": mounts(volumes), "resources": resources(options.resources)}
    return {
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "containers": [_sidecar(job, options) | shared, _science(job, options) | shared],
        "volumes": definitions(volumes),
    }


def _sidecar(job: TransformJob, options: ClusterOptions) -> dict[str, Any]:
    stores = store_environment(job.request_id, options) if job.result_destination != VOLUME else []
    return {
        "name": "sidecar",
        "image": options.sidecar.image,
        "imagePullPolicy": options.sidecar.pull_policy,
        "command": ["bash", "-c"],
        "args": [_sidecar_command(job, options)],
        "env": [*_environment(options), *broker_environment(job.request_id), *stores],
        "securityContext": {"allowPrivilegeEscalation": False},
    }


def _science(job: TransformJob, options: ClusterOptions) -> dict[str, Any]:
    """The container with the user's program: it gets no keys. Its image may need to change its user."""
    return {
        "name": "transformer",
        "image": job.image,
        "imagePullPolicy": options.sidecar.science_pull_policy,
        "command": ["bash", "-c"],
        "args": [_science_command(job, options)],
        "env": _environment(options),
    }


def _environment(options: ClusterOptions) -> list[dict[str, Any]]:
    caches = {"CACHE_PREFIX": options.cache_prefix} if options.cache_prefix else {}
    return [*plain({"BASH_ENV": "/servicex/.bashrc"}), *common_environment(options), *plain(caches)]


def _sidecar_command(job: TransformJob, options: ClusterOptions) -> str:
    arguments = ["--shared-dir", options.sidecar.shared_folder, "--request-id", job.request_id,
                 "--result-destination", job.result_destination, "--result-format", job.result_format]
    if job.result_destination == VOLUME:
        arguments += ["--output-dir", f"{RESULTS_FOLDER}/{options.results_folder}{job.request_id}"]
    return (f"PYTHONPATH={SIDECAR_PROGRAM}:$PYTHONPATH exec python {SIDECAR_PROGRAM}/transformer.py "
            f'--rabbit-uri "$RABBIT_MQ_URL" {shlex.join(arguments)}')


def _science_command(job: TransformJob, options: ClusterOptions) -> str:
    shared = options.sidecar.shared_folder
    scripts = f"{shared}/scripts"
    steps = [f"cp {FOLDER}/transformer_capabilities.json {shlex.quote(shared)}", _wait_for(f"{scripts}/watch.sh")]
    if options.x509_secret:
        exporter = f"{scripts}/proxy-exporter.sh"
        steps += [_wait_for(exporter), f"{{ bash {shlex.quote(exporter)} & }}", "sleep 5"]
    watch = ["bash", f"{scripts}/watch.sh", job.language, job.command, f"{shared}/{job.request_id}"]
    steps.append(f"PYTHONPATH={FOLDER}:$PYTHONPATH {shlex.join(watch)}")
    return " && ".join(steps)


def _wait_for(path: str) -> str:
    """A command that waits for a file, and fails if it does not come."""
    quoted = shlex.quote(path)
    return f"{{ for n in {{1..{SCRIPTS_SECONDS}}}; do [ -f {quoted} ] && break; sleep 1; done; [ -f {quoted} ]; }}"
