"""What is the same for all transforms on a cluster."""
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Store:
    """The S3 store as transformers reach it: host:port, TLS or not, and the keys they write with."""

    address: str
    encrypt: bool
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str


@dataclass(frozen=True)
class Resources:
    """What a container may use and what is kept for it, as Kubernetes quantities; empty for no bound."""

    cpu_limit: str = "1"
    cpu_request: str = ""
    memory_limit: str = ""
    memory_request: str = ""


@dataclass(frozen=True)
class WorkerOptions:
    """How our own worker runs: `image` is this server's, empty if there is none, `settings` goes to its environment."""

    image: str = ""
    pull_policy: str = "IfNotPresent"
    memory_bytes: int = 4 * 2 ** 30
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SidecarOptions:
    """How a science image runs beside a sidecar: `image` is the sidecar's, empty if there is none."""

    image: str = ""
    pull_policy: str = "Always"
    science_pull_policy: str = "Always"
    shared_folder: str = "/servicex/output"


@dataclass(frozen=True)
class ClusterOptions:
    """Where transformers run and what they need. `instance` tells our objects from those of another server.

    `broker_url` is RabbitMQ as they reach it. `local_path` is a folder of the nodes, `claim` the persistent volume
    claim for results of the destination `volume`, below `results_folder` in it. `start_seconds` is how long pods may
    take to start. Texts may be empty for what there is not.
    """

    namespace: str
    instance: str
    broker_url: str = field(repr=False)
    store: Store | None = None
    worker: WorkerOptions = WorkerOptions()
    sidecar: SidecarOptions = SidecarOptions()
    resources: Resources = Resources()
    priority_class: str = ""
    x509_secret: str = ""
    local_path: str = ""
    claim: str = ""
    results_folder: str = ""
    cache_prefix: str = ""
    log_environment: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 600.0
