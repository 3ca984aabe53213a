"""The options of transformers on Kubernetes; they are options of the server like all others."""
import re
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_settings import BaseSettings

HOST_AND_PORT = re.compile(r"[\w.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
CACHE_HOSTS = re.compile(r"[\w.-]+(:\d{1,5})?(,[\w.-]+(:\d{1,5})?)*")
# What Kubernetes takes for amounts of memory and of CPU (its API reference, "Quantity").
QUANTITY = r"^(\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?)?$"
DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
DNS_NAME_OR_NONE = r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$"

Quantity = Annotated[str, StringConstraints(pattern=QUANTITY)]
ObjectName = Annotated[str, StringConstraints(pattern=DNS_NAME_OR_NONE)]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class TransformerSettings(BaseSettings):
    """How the server runs transformers on a cluster."""

    TRANSFORMER_MANAGER_ENABLED: bool = Field(
        False, description="Whether the server runs transformers on Kubernetes. False with RABBIT_MQ_URL: somebody "
                           "else starts and stops them.")
    TRANSFORMER_MANAGER_MODE: Literal["internal-kubernetes", "external-kubernetes"] = Field(
        "internal-kubernetes", description="How the cluster is reached: from a pod in it, by its service account, or "
                                           "from outside, by the kubeconfig file (KUBECONFIG says where it is).")
    TRANSFORMER_NAMESPACE: Annotated[str, StringConstraints(pattern=DNS_LABEL)] = Field(
        "default", description="The namespace that transformers run in.")
    INSTANCE_NAME: Annotated[str, StringConstraints(pattern=DNS_LABEL)] = Field(
        "servicex", description="What tells this server's objects in the namespace from those of another server.")
    TRANSFORMER_WORKER_IMAGE: str = Field(
        "", description="The image of this server, to run programs of the built-in code generators in. Empty: these "
                        "run in BUILTIN_SCIENCE_IMAGES, beside a sidecar.")
    TRANSFORMER_WORKER_PULL_POLICY: PullPolicy = Field(
        "IfNotPresent", description="When the cluster pulls TRANSFORMER_WORKER_IMAGE.")
    TRANSFORMER_SIDECAR_IMAGE: str = Field(
        "", description="The image of the sidecar that goes with every science image but our own. Empty: only programs "
                        "that run in TRANSFORMER_WORKER_IMAGE are taken.")
    TRANSFORMER_SIDECAR_PULL_POLICY: PullPolicy = Field(
        "Always", description="When the cluster pulls the sidecar's image.")
    TRANSFORMER_SCIENCE_IMAGE_PULL_POLICY: PullPolicy = Field(
        "Always", description="When the cluster pulls science images.")
    TRANSFORMER_SIDECAR_VOLUME_PATH: Annotated[str, StringConstraints(pattern=r"^/[\w./-]+$")] = Field(
        "/servicex/output", description="Where sidecar and science container share files.")
    TRANSFORMER_RABBIT_MQ_URL: str = Field(
        "", repr=False, description="The broker as transformers reach it. Empty: RABBIT_MQ_URL.")
    MINIO_URL_TRANSFORMER: str = Field(
        "", description="host:port of the S3 store as transformers reach it. Empty: MINIO_URL.")
    TRANSFORMER_AUTOSCALE_ENABLED: bool = Field(
        True, description="Whether a transform gets more workers as more files are found. False: it keeps the number "
                          "that it began with.")
    TRANSFORMER_MIN_REPLICAS: int = Field(
        1, ge=1, description="The fewest workers that a transform begins with.")
    TRANSFORMER_MAX_REPLICAS: int = Field(20, ge=1, le=10_000, description="The most workers that a transform has.")
    TRANSFORMER_CPU_LIMIT: Quantity = Field("1", description="The cores that a container of a transformer may use.")
    TRANSFORMER_CPU_REQUEST: Quantity = Field(
        "", description="The cores that are kept for it. Empty: as many as it may use.")
    TRANSFORMER_MEMORY_LIMIT: Quantity = Field(
        "", description="The memory that a container of a transformer may use, like 4Gi. Empty: no limit.")
    TRANSFORMER_MEMORY_REQUEST: Quantity = Field(
        "", description="The memory that is kept for it. Empty: as much as it may use.")
    TRANSFORMER_PRIORITY_CLASS: ObjectName = Field("", description="The priority class of transformer pods.")
    TRANSFORMER_X509_SECRET: ObjectName = Field(
        "", description="The secret with the grid proxy (key x509up) that transformers read files with.")
    TRANSFORMER_LOCAL_PATH: Annotated[str, StringConstraints(pattern=r"^(/[^\x00]*)?$")] = Field(
        "", description="A folder of the cluster's nodes that transformers find at /data.")
    TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM: ObjectName = Field(
        "", description="The persistent volume claim behind RESULTS_VOLUME, for the destination `volume`.")
    TRANSFORMER_CACHE_PREFIX: str = Field(
        "", description="Hosts of XRootD caches, with commas between them, through which transformers read.")
    TRANSFORMER_START_SECONDS: float = Field(
        600.0, gt=0, description="How long a transform's pods may fail to start before it is given up, if no file of "
                                 "it was ever reported.")
    PREFETCH_BYTES: int = Field(
        64 * 1024 ** 2, ge=0, description="Remote inputs up to this size, in bytes, are fetched whole by our own "
                                          "worker while it transforms another file. 0: none are.")

    @field_validator("TRANSFORMER_X509_SECRET", "TRANSFORMER_PRIORITY_CLASS", "TRANSFORMER_LOCAL_PATH",
                     "TRANSFORMER_PERSISTENCE_PROVIDED_CLAIM", "TRANSFORMER_CACHE_PREFIX", "TRANSFORMER_CPU_LIMIT",
                     mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return "" if value is None else str(value)

    @field_validator("MINIO_URL_TRANSFORMER")
    @classmethod
    def _store_address(cls, value: str) -> str:
        if value and not HOST_AND_PORT.fullmatch(value):
            raise ValueError("must be host:port, without http:// and without a path")
        return value

    @field_validator("TRANSFORMER_CACHE_PREFIX")
    @classmethod
    def _hosts(cls, value: str) -> str:
        value = value.replace(" ", "")
        if value and not CACHE_HOSTS.fullmatch(value):
            raise ValueError("must be host:port, several with commas between them, without root://")
        return value

    @model_validator(mode="after")
    def _some_replicas(self) -> "TransformerSettings":
        if self.TRANSFORMER_MIN_REPLICAS > self.TRANSFORMER_MAX_REPLICAS:
            raise ValueError("TRANSFORMER_MIN_REPLICAS is larger than TRANSFORMER_MAX_REPLICAS")
        return self
