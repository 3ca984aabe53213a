"""A container of the image."""
import time
import uuid
from collections.abc import Sequence
from types import TracebackType

from tests.container.engine import IMAGE, Engine

SECONDS_TO_BE_HEALTHY = 90.0


class RunningContainer:
    """A container in the background, with these options of `docker run`; a context manager that removes it."""

    def __init__(self, engine: Engine, options: Sequence[str]):
        self.engine = engine
        self.name = f"servicex-app-{uuid.uuid4().hex[:8]}"
        self._options = options

    def __enter__(self) -> "RunningContainer":
        self.engine.say("run", "--detach", "--name", self.name, *self._options, IMAGE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.engine.run("rm", "--force", "--volumes", self.name)

    def wait_until_healthy(self) -> None:
        """Return when the engine says that it is. Raises AssertionError with the server's words if it never is."""
        deadline = time.monotonic() + SECONDS_TO_BE_HEALTHY
        while (health := self.state("Health.Status")) != "healthy":
            assert self.state("Status") == "running" and health != "unhealthy", self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.5)

    def end(self) -> tuple[int, float]:
        """`docker stop`: its exit status and how many seconds it took; after 10 s the engine kills it."""
        started = time.monotonic()
        self.engine.say("stop", self.name)
        return int(self.state("ExitCode")), time.monotonic() - started

    def state(self, name: str) -> str:
        """What the engine knows of its state, for instance `Status`."""
        return self.engine.say("inspect", "--format", f"{{{{.State.{name}}}}}", self.name)

    def execute(self, *command: str) -> str:
        """What a command in the container prints."""
        return self.engine.say("exec", self.name, *command)

    def log(self) -> str:
        """What the server said."""
        return self.engine.run("logs", self.name).stdout[-3000:]
