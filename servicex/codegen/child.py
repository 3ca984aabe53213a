"""Code generation in a child process: what `BuiltinCodeGenerator` has the warm parent run."""
import base64
from typing import Any, Protocol

from servicex.codegen.generators import generate
from servicex.errors import InvalidSelection


class Connection(Protocol):
    """The child's end of the line to the server."""

    def send(self, message: dict[str, Any]) -> None: ...

    def receive(self) -> dict[str, Any]: ...


def serve(connection: Connection) -> None:
    """Answer one {name, selection} with {files, formats}, or with {invalid} and the reason."""
    question = connection.receive()
    connection.send(answer(question["name"], question["selection"]))


def answer(name: str, selection: str) -> dict[str, Any]:
    """The reply as plain JSON; the contents of files in base64."""
    try:
        program = generate(name, selection)
    except InvalidSelection as error:
        return {"invalid": error.message}
    files = {file: base64.b64encode(content).decode() for file, content in program.files.items()}
    return {"files": files, "formats": sorted(program.formats)}
