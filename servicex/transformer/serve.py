"""The loop of a child that transforms files."""
import os
import sys
import tempfile
from pathlib import Path

from servicex.processes.messages import Connection, Message
from servicex.transformer.attempt import transform
from servicex.transformer.program import Program


def serve(connection: Connection) -> None:
    """Transform what the server sends, until it closes the connection."""
    job = connection.receive()
    _work_in(Path(job["scratch"]))
    program = Program(Path(job["program"]), job["language"], job["command"], job["result_format"])
    while True:
        connection.send(_serve_file(program, connection.receive()))


def _serve_file(program: Program, request: Message) -> Message:
    fetched = request.get("fetched")
    reply = transform(program, request["paths"], Path(request["output"]), Path(fetched) if fetched else None)
    _flush()
    return reply | {"number": request.get("number")}


def _work_in(scratch: Path) -> None:
    """Let whatever the program writes without saying where land in a folder that goes with the transform."""
    os.chdir(scratch)
    os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)


def _flush() -> None:
    """Have what was printed in the log before the answer."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            # The program may have closed or replaced it.
            pass
