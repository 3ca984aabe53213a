"""Run a command beside a whole production server, as the production figures have it, made for it and gone afterwards.

    .venv/bin/python -m bench.with_server -- python race.py --base {base} --amqp {amqp}

In the command `{base}` stands for the server's address, `{amqp}` for its RabbitMQ, `{pg_port}` for the port of its
PostgreSQL, and `{controller}` for the process id of its controller. The DIDs of --schemes are looked up by whoever
serves their queues; a code generator at --uproot serves the name `uproot`.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.production import SETTINGS
from tests.facility import Facility


def run(command: list[str], settings: dict[str, str]) -> int:
    """The command's exit status."""
    with tempfile.TemporaryDirectory(prefix="servicex-bench-") as folder:
        with Facility(Path(folder), settings, controllers=1) as facility:
            places = {"base": facility.address, "amqp": facility.rabbitmq.url, "pg_port": facility.postgres.port,
                      "controller": facility.controllers[0].pids[0]}
            return subprocess.run([part.format_map(places) for part in command]).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemes", nargs="+", default=["rucio"])
    parser.add_argument("--uproot", help="URL of a code generator")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    settings = {**SETTINGS, "VALID_DID_SCHEMES": json.dumps(options.schemes)}
    if options.uproot:
        settings["CODE_GEN_SERVICE_URLS"] = json.dumps({"uproot": options.uproot})
    sys.exit(run(options.command, settings))


if __name__ == "__main__":
    main()
