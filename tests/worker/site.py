"""Our own worker in a process, with what it talks to: RabbitMQ, an S3 store, a server that writes down reports."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pika

from servicex.backends.broker.base import WorkMessage, work_queue
from servicex.backends.broker.rabbitmq import RabbitMqBroker
from tests.did_finder.http_server import Answer, AnsweringServer, Asked, answering
from tests.private_rabbitmq import PrivateRabbitMq
from tests.running_server import free_port
from tests.s3_server import S3Server
from tests.transformer.conftest import QUERY, program_files

SECONDS = 40.0
COMMAND = [sys.executable, "-m", "servicex.cli", "worker"]
ENDS_WITHIN = 20.0


def eventually(condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """What the condition gives once that is true; fails if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not (outcome := condition()):
        assert time.monotonic() < deadline, f"not so within {seconds:.0f} s"
        time.sleep(0.05)
    return outcome


class Worker:
    """A worker's process; what it prints is in `log`."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path):
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True)

    def kill(self) -> None:
        """`kill -9`, as the kernel does that has no memory left; its children end with it."""
        self.process.kill()
        self.process.wait(ENDS_WITHIN)

    def tell_to_end(self) -> None:
        """What Kubernetes does first."""
        self.process.send_signal(signal.SIGTERM)

    def status(self, seconds: float = ENDS_WITHIN) -> int:
        """Its exit status, once it has ended by itself."""
        return self.process.wait(seconds)


class Site:
    """One transform's worker and what is around it. `query` is the user's program; a context manager."""

    def __init__(self, rabbitmq: PrivateRabbitMq, s3: S3Server, query: str = QUERY):
        self.rabbitmq = rabbitmq
        self.s3 = s3
        self.request_id = str(uuid.uuid4())
        self.queue = work_queue(self.request_id)
        self.store = s3.store(b"a secret for tests")
        self.refusing = 0
        self._query = query
        self._workers: list[Worker] = []

    def __enter__(self) -> "Site":
        with contextlib.ExitStack() as ends:
            # Not pytest's own folder, which is closed to other users.
            self.folder = Path(ends.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
            self.folder.chmod(0o755)
            self.server: AnsweringServer = ends.enter_context(answering(self._answer))
            self.broker = RabbitMqBroker(self.rabbitmq.url, seconds=30.0)
            ends.callback(self.broker.close)
            ends.callback(self._end_workers)
            self.store.create(self.request_id)
            self.program = self._write_program()
            self.broker.declare(self.queue)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()
        with contextlib.suppress(Exception):
            self.broker.delete(self.queue)

    def _answer(self, asked: Asked) -> Answer:
        return Answer(status=self.refusing or 200, body=b'"Ok"\n')

    def _write_program(self) -> Path:
        """The program as a ConfigMap is mounted: links into a folder that may be replaced."""
        folder = self.folder / "generated"
        (folder / "..2026").mkdir(parents=True)
        (folder / "..data").symlink_to("..2026")
        for name, content in program_files(self._query).items():
            (folder / "..2026" / name).write_bytes(content)
            (folder / name).symlink_to(f"..data/{name}")
        return folder

    def environment(self, **settings: str) -> dict[str, str]:
        """What a pod has in its environment."""
        keys = self.s3.keys
        return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "RABBIT_MQ_URL": self.rabbitmq.url,
                "MINIO_URL": self.s3.address, "MINIO_ACCESS_KEY": keys.access_key, "MINIO_SECRET_KEY": keys.secret_key,
                "POD_NAME": f"pod-{len(self._workers)}", "HOST_NAME": "node-7", "FILE_SECONDS": "30", **settings,
                "DATA_DIRECTORY": str(self.folder / f"scratch-{len(self._workers)}")}

    def start(self, *options: str, command: Sequence[str] = COMMAND, destination: str = "object-store",
              **settings: str) -> Worker:
        """Start a worker with these options and settings more."""
        given = options if any(o.startswith("--child-user") for o in options) else (*options, "--child-user=same")
        line = [*command, f"--request-id={self.request_id}", f"--program={self.program}", "--language=python",
                "--command=/generated/transform_single_file.py", "--result-format=root-file",
                f"--destination={destination}", *given]
        log = self.folder / f"worker-{len(self._workers)}.log"
        self._workers.append(Worker(line, self.environment(**settings), log))
        return self._workers[-1]

    def publish(self, inputs: Sequence[str | tuple[str, ...]], first: int = 1,
                destination: str = "object-store") -> None:
        """Publish files, each with its replicas; their ids are `first` and so on."""
        self.broker.publish(self.queue, [
            WorkMessage(self.request_id, number, (paths,) if isinstance(paths, str) else tuple(paths),
                        self.endpoint, destination, "root-file") for number, paths in enumerate(inputs, first)])

    @property
    def endpoint(self) -> str:
        """Below which URL a worker reports."""
        return f"{self.server.url}/servicex/internal/token/transformation/{self.request_id}"

    @contextlib.contextmanager
    def kept_queue(self) -> Iterator[None]:
        """Have another consumer, which takes nothing more, so that the queue is not lost with the last worker."""
        with pika.BlockingConnection(pika.URLParameters(self.rabbitmq.url)) as connection:
            channel = connection.channel()
            channel.basic_qos(prefetch_count=1)
            channel.basic_publish("", self.queue, b"for the keeper")
            channel.basic_consume(self.queue, lambda *_: None)
            connection.process_data_events(0.5)
            yield

    def reports(self) -> list[dict[str, Any]]:
        """The reports so far, also those that were refused."""
        return [json.loads(asked.body) for asked in list(self.server.asked) if asked.path.endswith("/file-complete")]

    def reported(self, count: int, seconds: float = SECONDS) -> list[dict[str, Any]]:
        """The reports once there are so many."""
        try:
            eventually(lambda: len(self.reports()) >= count, seconds)
        except AssertionError:
            raise AssertionError(f"{self.reports()}\n{self.logs()[-3000:]}") from None
        return self.reports()

    def events(self, file_id: int) -> list[dict[str, Any]]:
        """What was said of a file on the way."""
        return [json.loads(asked.body) for asked in list(self.server.asked)
                if asked.path.endswith(f"/{file_id}/status")]

    def objects(self) -> list[str]:
        """The names of the objects in the transform's bucket."""
        return [found.key for found in self.store.objects(self.request_id)]

    def drained(self) -> bool:
        """Whether every message was acknowledged."""
        state = self.broker.state(self.queue)
        return state is not None and state.waiting == 0

    def logs(self) -> str:
        """What all workers printed."""
        return "".join(worker.log.read_text(errors="replace") for worker in self._workers)

    def _end_workers(self) -> None:
        for worker in self._workers:
            worker.kill()


@contextlib.contextmanager
def web_server(files: Mapping[str, bytes], held: Mapping[str, Any] | None = None) -> Iterator[AnsweringServer]:
    """A web server of these files, which gives parts of them too; an answer waits for its event in `held`."""
    def answer(asked: Asked) -> Answer:
        content = files.get(asked.path)
        if content is None:
            return Answer(status=404)
        first, _, last = asked.headers.get("range", "").removeprefix("bytes=").partition("-")
        event = (held or {}).get(asked.path)
        if not first:
            return Answer(content, held=event)
        end = min(int(last or len(content)), len(content) - 1)
        return Answer(content[int(first):end + 1], 206, {
            "Content-Range": f"bytes {first}-{end}/{len(content)}", "Accept-Ranges": "bytes"}, held=event)
    with answering(answer) as server:
        yield server


def nowhere() -> str:
    """host:port at which nobody listens."""
    return f"127.0.0.1:{free_port()}"
