"""In the place of Kubernetes: transformers for whatever transform there is in the database, until killed.

    python -m tests.production.transformers

Each has the manners of a sidecar, and runs the generated program for each file as the container beside a sidecar does.
The settings of the server are in the environment, and so is what `tests/sidecar.py` needs.
"""
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg2

from tests.sidecar import Sidecar, object_name

LOOK_SECONDS = 0.1
PROGRAM_SECONDS = 60.0
AT_ONCE = threading.Semaphore(2)
WITH_WORK = "select request_id from requests where finish_time is null and files > 0"
PROGRAM = """
select archive, transformer_language, transformer_command from generated_programs
join requests on requests.id = transform_id where request_id = %s
"""


class Transformer(Sidecar):
    """Transforms the files of one transform."""

    def __init__(self, request_id: str, folder: Path, command: list[str]):
        super().__init__(request_id)
        self._folder = folder
        self._command = command

    def take(self, work: dict[str, Any]) -> None:
        """Try the replicas in turn until one gives a result."""
        for path in work["paths"]:
            if self._transform(work, path):
                return self.report(work, path)
        self.report(work, work["paths"][0], "failure", events=0)

    def _transform(self, work: dict[str, Any], path: str) -> bool:
        output, name = self._folder / "output", object_name(path, work["result_format"])
        with AT_ONCE:
            status = run([*self._command, path, str(output), work["result_format"]], self._folder)
        if status == 0 and work["result_destination"] == "volume":
            output.rename(self._volume() / name)
        elif status == 0:
            self.put(name, output.read_bytes())
        return status == 0

    def _volume(self) -> Path:
        folder = Path(os.environ["RESULTS_VOLUME"]) / os.environ["TRANSFORMER_PERSISTENCE_SUBDIR"] / self.request_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def run(command: list[str], folder: Path) -> int:
    """The exit status of a program; what it prints goes to the log."""
    try:
        return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, timeout=PROGRAM_SECONDS,
                              env={"PATH": os.environ["PATH"], "HOME": str(folder)}).returncode
    except subprocess.TimeoutExpired:
        return -1


def serve(request_id: str) -> None:
    """Transform the files of one transform until its queue is gone."""
    ((archive, language, command),) = query(PROGRAM, request_id)
    with tempfile.TemporaryDirectory() as name:
        zipfile.ZipFile(io.BytesIO(archive)).extractall(name)
        interpreter = sys.executable if language == "python" else language
        # A ConfigMap is mounted at /generated; here it is this folder.
        program = str(Path(name) / PurePosixPath(command).name)
        Transformer(request_id, Path(name), [interpreter, program]).serve()


def query(sql: str, *values: str) -> list[tuple[Any, ...]]:
    """Rows of the server's database."""
    with psycopg2.connect(os.environ["SQLALCHEMY_DATABASE_URI"].replace("+psycopg2", "")) as connection:
        cursor = connection.cursor()
        cursor.execute(sql, values)
        return cursor.fetchall()


def main() -> None:
    """Look for transforms, and serve each once."""
    served: set[str] = set()
    while True:
        for (request_id,) in query(WITH_WORK):
            if request_id not in served:
                served.add(request_id)
                threading.Thread(target=serve, args=(request_id,), daemon=True).start()
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
