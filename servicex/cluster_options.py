"""From the settings to what transformers on a cluster are told."""
import os
import re

from servicex.backends.launcher.kubernetes.options import (ClusterOptions, Resources, SidecarOptions, Store,
                                                           WorkerOptions)
from servicex.settings import MIB, Settings

UNITS = {"": 1.0, "m": 0.001, "k": 1e3, "Ki": 2.0 ** 10, "M": 1e6, "Mi": 2.0 ** 20, "G": 1e9, "Gi": 2.0 ** 30,
         "T": 1e12, "Ti": 2.0 ** 40}
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)")
# What of a container's memory is not the program's: the worker itself, and the warm parent.
WORKER_OVERHEAD = 512 * MIB
# Less than this, and no program could read a file.
LEAST_MEMORY = 256 * MIB
LOGSTASH = ("LOGSTASH_HOST", "LOGSTASH_PORT")


def cluster_options(settings: Settings) -> ClusterOptions:
    """All that is the same for every transform."""
    return ClusterOptions(
        namespace=settings.TRANSFORMER_NAMESPACE, instance=settings.INSTANCE_NAME,
        broker_url=settings.TRANSFORMER_RABBIT_MQ_URL or settings.RABBIT_MQ_URL, store=_store(settings),
        worker=_worker(settings), sidecar=_sidecar(settings), resources=_resources(settings),
        priority_class=settings.TRANSFORMER_PRIORITY_CLASS, x509_secret=settings.TRANSFORMER_X509_SECRET,
        local_path=settings.TRANSFORMER_LOCAL_PATH, claim=settings.TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM,
        results_folder=settings.TRANSFORMER_PERSISTENCE_SUBDIR, cache_prefix=settings.TRANSFORMER_CACHE_PREFIX,
        log_environment={"LOG_LEVEL": settings.LOG_LEVEL} | {n: os.environ[n] for n in LOGSTASH if n in os.environ},
        start_seconds=settings.TRANSFORMER_START_SECONDS)


def _store(settings: Settings) -> Store | None:
    if not settings.MINIO_URL:
        return None
    return Store(settings.MINIO_URL_TRANSFORMER or settings.MINIO_URL, settings.MINIO_ENCRYPT,
                 settings.MINIO_ACCESS_KEY, settings.MINIO_SECRET_KEY, settings.MINIO_REGION)


def _worker(settings: Settings) -> WorkerOptions:
    passed_on = {"MAX_ATTEMPTS": settings.MAX_ATTEMPTS, "FILE_SECONDS": settings.FILE_SECONDS,
                 "PREFETCH_BYTES": settings.PREFETCH_BYTES}
    return WorkerOptions(settings.TRANSFORMER_WORKER_IMAGE, settings.TRANSFORMER_WORKER_PULL_POLICY,
                         program_memory(settings), {name: str(value) for name, value in passed_on.items()})


def _sidecar(settings: Settings) -> SidecarOptions:
    return SidecarOptions(settings.TRANSFORMER_SIDECAR_IMAGE, settings.TRANSFORMER_SIDECAR_PULL_POLICY,
                          settings.TRANSFORMER_SCIENCE_IMAGE_PULL_POLICY, settings.TRANSFORMER_SIDECAR_VOLUME_PATH)


def _resources(settings: Settings) -> Resources:
    return Resources(settings.TRANSFORMER_CPU_LIMIT, settings.TRANSFORMER_CPU_REQUEST,
                     settings.TRANSFORMER_MEMORY_LIMIT, settings.TRANSFORMER_MEMORY_REQUEST)


def program_memory(settings: Settings) -> int:
    """The bytes that a user's program may have: so few that it is not the whole container that is killed."""
    matched = QUANTITY.fullmatch(settings.TRANSFORMER_MEMORY_LIMIT)
    if not matched:
        return settings.WORKER_MEMORY_BYTES
    limit = int(float(matched[1]) * UNITS[matched[2]])
    return min(settings.WORKER_MEMORY_BYTES, max(LEAST_MEMORY, limit - WORKER_OVERHEAD))
