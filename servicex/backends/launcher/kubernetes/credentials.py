"""The Secret with what a transform's containers sign in with, so that it stands in no Deployment."""
from typing import Any

from servicex.backends.launcher.kubernetes.names import labels, transformer_name
from servicex.backends.launcher.kubernetes.options import ClusterOptions

BROKER_URL = "RABBIT_MQ_URL"
ACCESS_KEY = "MINIO_ACCESS_KEY"
SECRET_KEY = "MINIO_SECRET_KEY"


def make_secret(request_id: str, options: ClusterOptions) -> dict[str, Any]:
    """The broker's address with its password, and the store's keys if there is one."""
    values = {BROKER_URL: options.broker_url}
    if options.store:
        values |= {ACCESS_KEY: options.store.access_key, SECRET_KEY: options.store.secret_key}
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": transformer_name(request_id), "labels": labels(options.instance, request_id)},
        "stringData": values,
    }


def broker_environment(request_id: str) -> list[dict[str, Any]]:
    """What tells a container where the broker is."""
    return [_from_secret(request_id, BROKER_URL)]


def store_environment(request_id: str, options: ClusterOptions) -> list[dict[str, Any]]:
    """What tells a container where the store is, and its keys."""
    if options.store is None:
        return []
    return [
        {"name": "MINIO_URL", "value": options.store.address},
        {"name": "MINIO_ENCRYPT", "value": str(options.store.encrypt)},
        _from_secret(request_id, ACCESS_KEY),
        _from_secret(request_id, SECRET_KEY),
    ]


def _from_secret(request_id: str, key: str) -> dict[str, Any]:
    reference = {"name": transformer_name(request_id), "key": key}
    return {"name": key, "valueFrom": {"secretKeyRef": reference}}
