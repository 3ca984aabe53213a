"""What stands in the Dockerfile, for tests that have no engine."""
import json
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined: `COPY`, `boot.sh /files/`."""

    name: str
    rest: str


def instructions() -> list[Instruction]:
    """All instructions, in their order."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if line and not line.startswith("#")).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in text.splitlines()]


def image() -> list[Instruction]:
    """Those that make the image itself: the last stage."""
    every = instructions()
    begin = max(number for number, one in enumerate(every) if one.name == "FROM")
    return every[begin:]


def of_image(name: str) -> str:
    """What the last instruction of that name in the last stage says. Raises IndexError if there is none."""
    return [one.rest for one in image() if one.name == name][-1]


def health_command() -> list[str]:
    """The command that tells whether a container is healthy."""
    words: list[str] = json.loads(of_image("HEALTHCHECK").partition("CMD ")[2])
    return words


def copied() -> set[str]:
    """The files and folders that come from the repository."""
    copies = [shlex.split(one.rest) for one in instructions() if one.name == "COPY" and "--from" not in one.rest]
    return {source for *sources, _ in copies for source in sources}
