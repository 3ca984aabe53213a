"""A transform's generated program as ConfigMaps, which its pods find as files in one folder."""
import base64
import re
from collections.abc import Mapping
from typing import Any

from servicex.backends.launcher.kubernetes.names import labels, program_name
from servicex.errors import ServiceXError

FOLDER = "/generated"
# A ConfigMap may have 1 MiB (1,048,576 bytes) of data, and the API server counts the names too.
LARGEST = 1_000_000
# The cluster would refuse other names (its API reference, ConfigMap.data).
FILE_NAME = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def make_config_maps(request_id: str, files: Mapping[str, bytes], instance: str) -> list[dict[str, Any]]:
    """The ConfigMaps with these files, as few as can be; one more exists even for a program without files.

    Raises ServiceXError for a file that fits into none, or has a name that no file there can have.
    """
    return [_config_map(request_id, number, part, instance) for number, part in enumerate(_parts(files))]


def program_volume(request_id: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The volume with all files of the program."""
    names = [program_name(request_id, number) for number in range(len(_parts(files)))]
    if len(names) == 1:
        return {"name": "generated-code", "configMap": {"name": names[0]}}
    return {"name": "generated-code", "projected": {"sources": [{"configMap": {"name": name}} for name in names]}}


def _config_map(request_id: str, number: int, files: Mapping[str, bytes], instance: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": program_name(request_id, number), "labels": labels(instance, request_id)},
        "binaryData": {name: base64.b64encode(content).decode() for name, content in files.items()},
    }


def _parts(files: Mapping[str, bytes]) -> list[dict[str, bytes]]:
    """The files in the order of their names, as many at a time as fit together."""
    parts: list[dict[str, bytes]] = [{}]
    room = LARGEST
    for name in sorted(files):
        size = _size(name, files[name])
        if size > room:
            parts.append({})
            room = LARGEST
        parts[-1][name] = files[name]
        room -= size
    return [part for part in parts if part] or parts


def _size(name: str, content: bytes) -> int:
    """The room that a file takes, in bytes."""
    if not FILE_NAME.fullmatch(name) or name.startswith(".."):
        raise ServiceXError(f"The code generator made a file called {name[:100]!r}, which no cluster takes.")
    size = len(name) + len(content)
    if size > LARGEST:
        raise ServiceXError(f"The generated file {name} has {len(content):,} bytes; a cluster takes {LARGEST:,}.")
    return size
