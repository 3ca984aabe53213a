"""The loop of a child that fetches remote files whole, before they are transformed."""
from pathlib import Path
from typing import Any

from servicex.processes.messages import Connection
from servicex.transformer.web_file import FileTooLarge, fetch_whole, is_web

TARGET = "servicex.transformer.fetch:serve"

_SECONDS = 30
_PIECE = 8 * 2**20


def serve(connection: Connection) -> None:
    """Answer each `{path, into, limit}` with `{fetched}`: whether the file is there, of at most `limit` bytes."""
    while True:
        request = connection.receive()
        connection.send({"fetched": fetch(request["path"], Path(request["into"]), request["limit"])})


def fetch(path: str, into: Path, limit: int) -> bool:
    """Fetch a file of at most `limit` bytes. Why not is told by whoever reads it in place then."""
    try:
        if is_web(path):
            fetch_whole(path, into, limit)
        else:
            _fetch_from_xrootd(path, into, limit)
    except Exception:  # whatever a server or a library may come up with
        into.unlink(missing_ok=True)
        return False
    return True


def _fetch_from_xrootd(url: str, into: Path, limit: int) -> None:
    from XRootD import client
    with client.File() as source:
        _checked(source.open(url, timeout=_SECONDS))
        size = _checked(source.stat(timeout=_SECONDS)).size
        if size > limit:
            raise FileTooLarge(f"{size} bytes are more than {limit}")
        with into.open("wb") as file:
            while file.tell() < size:
                piece = _checked(source.read(file.tell(), _PIECE, timeout=_SECONDS))
                if not piece:
                    raise ConnectionError(f"{url} ended after {file.tell()} of {size} bytes")
                file.write(piece)


def _checked(answer: tuple[Any, Any]) -> Any:
    status, value = answer
    if not status.ok:
        raise OSError(status.message)
    return value
