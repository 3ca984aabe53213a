"""What our objects in a cluster are called, and the labels by which they are found."""
from collections.abc import Mapping

MANAGER = "servicex"
REQUEST_ID = "servicex/request-id"
LAYOUT = "servicex/layout"
# Set when all that the pods need is there: before, they would fail to start.
COMPLETE = "servicex/complete"


def transformer_name(request_id: str) -> str:
    """The name of a transform's Deployment and of its Secret."""
    return f"transformer-{request_id}"


def program_name(request_id: str, part: int = 0) -> str:
    """The name of a ConfigMap with a part of the transform's program."""
    return f"{request_id}-generated-source" + (f"-{part}" if part else "")


def our_labels(instance: str) -> dict[str, str]:
    """What all objects of a server carry, and nobody else's."""
    return {"app.kubernetes.io/managed-by": MANAGER, "app.kubernetes.io/instance": instance,
            "app.kubernetes.io/component": "transformer"}


def labels(instance: str, request_id: str) -> dict[str, str]:
    """What the objects of one transform carry."""
    return our_labels(instance) | {REQUEST_ID: request_id}


def selector(wanted: Mapping[str, str]) -> str:
    """The labels as a cluster is asked for them."""
    return ",".join(f"{name}={value}" for name, value in sorted(wanted.items()))
