"""A RabbitMQ of the tests' own: Debian's, on free ports, in a folder of its own, which may be stopped and killed."""
import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# Debian's command in /usr/sbin changes to another user, and is not on everybody's path.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_SECONDS = 60.0
STOP_SECONDS = 30.0
NAME_SERVER_SECONDS = 5.0
# How AMQP 0-9-1 begins; a server that is up answers it.
GREETING = b"AMQP\x00\x00\x09\x01"


class PrivateRabbitMq:
    """A RabbitMQ with one user, on 127.0.0.1; `url` stays the same when it is started again.

    What was durable survives a restart. `options` are lines of `rabbitmq.conf`, read at each start.
    """

    def __init__(self, options: str = ""):
        self.options = options
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self.url = f"amqp://tester:{self.password}@127.0.0.1:{self.port}/%2F"
        self._ports = (free_port(), free_port())
        self._folder = Path(tempfile.mkdtemp(prefix="servicex-rabbitmq-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "PrivateRabbitMq":
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\ndefault_user = tester\ndefault_pass = {self.password}\n"
            f"{self.options}\n")
        (self._folder / "plugins").write_text("[].")
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen([str(PROGRAM)], env=self._environment(), cwd=self._folder, stdout=output,
                                             stderr=output, stdin=subprocess.DEVNULL, start_new_session=True)
        self._wait()

    def stop(self) -> None:
        """Stop it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Have it answer nothing, with all connections open, until `resume`."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it and remove all it left."""
        self.kill()
        self._end_name_server()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end_name_server(self) -> None:
        """Debian's start script begins one whatever it is told; it stays, and at first thinks that its node lives."""
        deadline = time.monotonic() + NAME_SERVER_SECONDS
        command = ["epmd", "-port", str(self._ports[1]), "-kill"]
        while time.monotonic() < deadline:
            ended = subprocess.run(command, capture_output=True, timeout=STOP_SECONDS, env=self._environment())
            if ended.returncode == 0:
                return
            time.sleep(0.1)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)
        self._process = None

    def _signal(self, which: signal.Signals) -> None:
        """To the whole session: a shell stands before the Erlang machine, which has a few children."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, which)

    def _environment(self) -> dict[str, str]:
        """Nothing of the machine's RabbitMQ, and no name server of Erlang: one node alone needs none."""
        folder, (distribution, names) = self._folder, self._ports
        return {
            "PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"private{self.port}@localhost", "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"), "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"), "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"), "RABBITMQ_PID_FILE": str(folder / "pid"),
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-start_epmd false -erl_epmd_port {distribution} +S 1:1",
        }

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            if self._answers():
                return
            time.sleep(0.1)
        raise RuntimeError("RabbitMQ did not start:\n" + (self._folder / "output").read_text(errors="replace")[-2000:])

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
            probe.sendall(GREETING)
            return bool(probe.recv(1))
        return False


def is_installed() -> bool:
    """Whether this machine has Debian's RabbitMQ."""
    return PROGRAM.exists()


def free_port() -> int:
    """A port that nobody listens on, below those that systems give to outgoing connections."""
    while True:
        port = random.randrange(20000, 32768)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
