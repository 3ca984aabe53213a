"""Run pip in a virtual environment and say in a few words how far it is.

    python pip_install.py WHAT VENV REQUIREMENT...

WHAT names the thing for the person who waits. pip's own flood is shown only when it fails. Needs nothing but Python:
it is run before anything is installed.
"""
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

LINES_SHOWN_ON_FAILURE = 30
SECONDS_BETWEEN_WORDS = 5.0


class InstallFailed(Exception):
    """Raised when pip fails; the message holds the end of what it said."""


def pip_install(what: str, venv: Path, requirements: list[str]) -> None:
    """Install the requirements into the virtual environment. Raises `InstallFailed`."""
    started = time.monotonic()
    print(f"Installing {what} into {venv}", flush=True)
    command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check",
               "--progress-bar", "off", *requirements]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        last_lines = deque(_told(process), maxlen=LINES_SHOWN_ON_FAILURE)
    if process.returncode:
        raise InstallFailed(f"Installing {what} failed. The end of what pip said:\n" + "".join(last_lines))
    print(f"  done in {time.monotonic() - started:.0f} s", flush=True)


def _told(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines pip prints, each passed on after a word about it has been said where one is due."""
    assert process.stdout is not None
    packages = 0
    word_said = time.monotonic()
    for line in process.stdout:
        packages += line.startswith("Collecting ")
        if line.startswith("Installing collected packages:") and "," in line:
            print(f"  unpacking {line.count(',') + 1} packages", flush=True)
        elif line.startswith("Collecting ") and time.monotonic() - word_said > SECONDS_BETWEEN_WORDS:
            word_said = time.monotonic()
            print(f"  fetching {line.split()[1]}; {packages} packages so far", flush=True)
        yield line


def main(arguments: list[str]) -> None:
    """The command; exits with 1 and pip's last lines if the installation fails."""
    what, venv, *requirements = arguments
    try:
        pip_install(what, Path(venv), requirements)
    except InstallFailed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main(sys.argv[1:])
