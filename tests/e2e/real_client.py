"""The unmodified client from PyPI, driven from outside: it has an environment and processes of its own."""
import json
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent / "client_scripts" / "deliver_samples.py"
SECONDS_FOR_A_DELIVERY = 100.0
SECONDS_FOR_A_COMMAND = 40.0

Sample = dict[str, Any]
Outcome = dict[str, Any]
Answer = dict[str, Outcome]


class Delivery:
    """A `deliver` under way in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], answer_file: Path, log_file: Path):
        self.process = process
        self._answer_file = answer_file
        self._log_file = log_file

    def wait(self, seconds: float = SECONDS_FOR_A_DELIVERY) -> dict[str, Answer]:
        """Per kind of delivery and sample what came. Raises `AssertionError` with the client's words if it failed."""
        try:
            status = self.process.wait(seconds)
        finally:
            self.kill()
        assert status == 0, f"the client ended with {status}:\n{self.log()}"
        answer: dict[str, Answer] = json.loads(self._answer_file.read_text())
        return answer

    def kill(self) -> None:
        """End the client at once, if it still runs."""
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        """What the client printed."""
        return self._log_file.read_text(errors="replace")


class RealClient:
    """The client with a configuration and a cache in `folder`; `token` is an API token, for a server with accounts.

    `configuration` is a whole servicex.yaml to use instead.
    """

    def __init__(self, bin_folder: Path, folder: Path, address: str, token: str = "", configuration: str = ""):
        self.folder = folder
        self._bin = bin_folder
        self._environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(folder), "NO_COLOR": "1",
                             "COLUMNS": "200"}
        folder.mkdir(parents=True, exist_ok=True)
        written = configuration or f"api_endpoints:\n  - name: tested\n    endpoint: {address}\n" + (
            f"    token: {token}\n" if token else "")
        (folder / "servicex.yaml").write_text(f"{written}cache_path: {folder / 'cache'}\n")

    def begin(self, samples: list[Sample], **order: Any) -> Delivery:
        """Begin to deliver the samples; see `client_scripts/deliver_samples.py` for what `order` may hold."""
        name = uuid.uuid4().hex
        order_file, answer_file, log_file = (self.folder / f"{name}.{end}" for end in ("order", "answer", "log"))
        order_file.write_text(json.dumps(
            {"format": "root-ttree", "cache": str(self.folder / "cache"), "samples": samples, **order}))
        with log_file.open("wb") as log:
            process = subprocess.Popen([self._bin / "python", SCRIPT, order_file, answer_file], cwd=self.folder,
                                       env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return Delivery(process, answer_file, log_file)

    def deliver(self, samples: list[Sample], **order: Any) -> Answer:
        """Deliver the samples into the client's cache and wait; gives what came for each."""
        return self.begin(samples, **order).wait()["LocalCache"]

    def wait_until_noted(self, request_id: str, seconds: float = 20.0) -> None:
        """Return when a client has written into its cache that it submitted the transform, after the server had it."""
        deadline = time.monotonic() + seconds
        while not any(request_id in file.read_text(errors="replace")
                      for file in (self.folder / "cache").rglob("*.json")):
            assert time.monotonic() < deadline, f"the client has not noted {request_id} after {seconds:.0f} s"
            time.sleep(0.05)

    def command(self, *arguments: str, within: str = ".") -> subprocess.CompletedProcess[str]:
        """Run the client's own command, `servicex`, in the client's folder or in a new one below it."""
        folder = self.folder / within
        folder.mkdir(exist_ok=True)
        return subprocess.run([str(self._bin / "servicex"), *arguments], cwd=folder, env=self._environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_FOR_A_COMMAND)
