"""The main job once, from nothing to a picture: make data, start the server, run a physicist's script, stop the server.

    python -m demo.run [WORKERS]

Runs in the server's virtual environment; the script runs in `.venv-client`. Everything it makes is in `demo/out`. Exits
with 0 when the spectrum is there, else with 1 and the end of the server's log.
"""
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.dataset import FILES, write_dataset

DEMO = Path(__file__).resolve().parent
OUT = DEMO / "out"
SERVER_LOG = OUT / "server.log"
CLIENT_PYTHON = DEMO.parent / ".venv-client" / "bin" / "python"
SERVER_COMMAND = Path(sys.executable).parent / "servicex-app"

SECONDS_TO_START = 60.0
SECONDS_TO_DELIVER = 300.0
SECONDS_TO_STOP = 20.0
LOG_LINES_SHOWN = 20


class DemoFailed(Exception):
    """Raised when a step goes wrong; the message says which."""


def main(workers: int) -> None:
    """Run the demo. Raises `DemoFailed`."""
    # A proxy named in the environment knows nothing of this machine's own addresses.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
    files = generate_data()
    # What an earlier run delivered would only pile up; each run is a new transform in any case.
    for leftover in ("data", "client-cache"):
        shutil.rmtree(OUT / leftover, ignore_errors=True)
    with running_server(workers) as address:
        print("The physicist's script (demo/analysis.py) asks for muon pairs:", flush=True)
        run_analysis(address, files)
    print(f"\nThe spectrum is in {_shown(OUT / 'dimuon.png')}; the server is stopped.")


def generate_data() -> list[Path]:
    """The demo's ROOT files, made on the first run."""
    folder = OUT / "files"
    if len(list(folder.glob("*.root"))) < FILES:
        print(f"Generating {FILES} ROOT files with muon pairs in {_shown(folder)}", flush=True)
    return list(write_dataset(folder))


@contextmanager
def running_server(workers: int) -> Iterator[str]:
    """The server in its embedded mode while the block runs; gives its address."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [str(SERVER_COMMAND), "up", "--host", "127.0.0.1", "--port", str(port), "--data", str(OUT / "data"),
               "--workers", str(workers), "--allow-path", str(OUT / "files")]
    print(f"Starting the server at {address} with {workers} workers (its log: {_shown(SERVER_LOG)})", flush=True)
    with SERVER_LOG.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(process, address)
        yield address
    finally:
        _stop(process)


def run_analysis(address: str, files: list[Path]) -> None:
    """Run the physicist's script with the unmodified client. Raises `DemoFailed`."""
    config = OUT / "servicex.yaml"
    config.write_text(f"api_endpoints:\n  - name: demo\n    endpoint: {address}\n"
                      f"default_endpoint: demo\ncache_path: {OUT / 'client-cache'}\n")
    command = [str(CLIENT_PYTHON), str(DEMO / "analysis.py"), str(config), str(OUT / "dimuon.png"), *map(str, files)]
    try:
        status = subprocess.run(command, cwd=OUT, timeout=SECONDS_TO_DELIVER).returncode
    except subprocess.TimeoutExpired:
        raise DemoFailed(f"The script was not done after {SECONDS_TO_DELIVER:.0f} s.") from None
    if status:
        raise DemoFailed(f"The script failed with status {status}.")


def _wait_until_it_answers(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DemoFailed(f"The server ended at once with status {process.returncode}.")
        if _answers(address):
            return
        time.sleep(0.1)
    raise DemoFailed(f"The server did not answer within {SECONDS_TO_START:.0f} s.")


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/servicex", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _shown(path: Path) -> str:
    """The path as a person in the project's folder would type it."""
    return os.path.relpath(path, DEMO.parent)


def _log_end() -> str:
    if not SERVER_LOG.exists():
        return "(there is no server log)"
    return "\n".join(SERVER_LOG.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
    except DemoFailed as failure:
        sys.exit(f"\n{failure} The last lines of the server's log ({_shown(SERVER_LOG)}):\n{_log_end()}")
    except KeyboardInterrupt:
        sys.exit("Interrupted; the server is stopped.")
