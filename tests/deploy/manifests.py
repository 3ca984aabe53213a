"""The objects in deploy/kubernetes."""
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"

Object = dict[str, Any]


def every_object() -> Iterator[tuple[str, Object]]:
    """All objects, each with the name of its file, the examples included."""
    for file in sorted(FOLDER.rglob("*.yaml")):
        for one in yaml.safe_load_all(file.read_text()):
            yield file.name, one


def the(kind: str, file: str = "") -> Object:
    """The one object of that kind, in that file if one is named."""
    (found,) = (one for name, one in every_object() if one["kind"] == kind and file in ("", name))
    return found


def pod() -> Object:
    """The server's pod."""
    spec: Object = the("Deployment")["spec"]["template"]["spec"]
    return spec


def server() -> Object:
    """The server's container."""
    (container,) = pod()["containers"]
    result: Object = container
    return result
