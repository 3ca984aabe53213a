"""How the sidecars of existing transformer pods name the results they store. They do not tell the server."""
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1
from pathlib import PurePosixPath

CAPABILITIES = "transformer_capabilities.json"
PARQUET = "parquet"
LONGEST_NAME = 255
END_KEPT = 214


@dataclass(frozen=True)
class SidecarOutput:
    """What a sidecar makes of the files of one transform.

    `converted` says that the program writes ROOT files, which the sidecar turns into Parquet; `as_objects` that it puts
    its results into the object store, not into a volume.
    """

    result_format: str
    converted: bool
    as_objects: bool = True

    def object_name(self, path: str) -> str:
        """The name of the result of the file that was read at `path`, a cache's prefix included."""
        name = path.replace("/", ":")
        if self.result_format == PARQUET and not self.converted:
            name += ".parquet"
        name = _shortened(name)
        # Not `with_suffix`: it refuses names that the sidecar never gives, and a path is whatever we are told.
        return f"{PurePosixPath(name).stem}.parquet" if self.converted else name


def sidecar_output(result_format: str, stores_objects: bool, program: Mapping[str, bytes]) -> SidecarOutput:
    """What a sidecar makes of files by this program; into a volume it never converts."""
    converted = result_format == PARQUET and stores_objects and not _writes_parquet(program)
    return SidecarOutput(result_format, converted, stores_objects)


def _writes_parquet(program: Mapping[str, bytes]) -> bool:
    """Whether the program says so; one that says nothing of formats is not converted by guess."""
    try:
        formats = json.loads(program[CAPABILITIES])["file-formats"]
    except (KeyError, TypeError, ValueError):
        return True
    return PARQUET in formats if isinstance(formats, list) else True


def _shortened(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    return f"_{sha1(name.encode('utf-8', 'surrogatepass')).hexdigest()}{name[-END_KEPT:]}"
