"""A user's program reads no secret of its worker, and cannot harm it. Needs root, as the worker in its pod is."""
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import require
from tests.transformer.conftest import write_events
from tests.worker.site import Site

USER = 61234
# What a program finds out: everything it does goes well, or it writes down the error.
PRIES = '''
import ctypes, glob, json, os, resource

def attempt(what):
    try:
        return what()
    except OSError as error:
        return f"refused: {error.strerror}"

def read(path):
    with open(path, "rb") as file:
        return file.read(100_000).decode("latin-1")

def memory(pid):
    first = int(read(f"/proc/{pid}/maps").split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb") as file:
        file.seek(first)
        return file.read(16).hex()

def trace(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "attached"

def run_query(tree):
    warm = os.getppid()
    worker = int(read(f"/proc/{warm}/stat").rpartition(")")[2].split()[1])
    environments = [attempt(lambda: read(path)) for path in glob.glob("/proc/[0-9]*/environ")]
    found = {
        "ids": [os.getresuid(), os.getresgid(), os.getgroups()], "mine": dict(os.environ),
        "environments": [text for text in environments if not text.startswith("refused: ")],
        "refused": sum(text.startswith("refused: ") for text in environments),
        "worker": {
            "uid": os.stat(f"/proc/{worker}").st_uid,
            "environ": attempt(lambda: read(f"/proc/{worker}/environ")), "mem": attempt(lambda: memory(worker)),
            "fd": attempt(lambda: os.listdir(f"/proc/{worker}/fd")), "ptrace": attempt(lambda: trace(worker)),
            "kill": attempt(lambda: os.kill(worker, 9)), "cmdline": read(f"/proc/{worker}/cmdline")},
        "warm": {"environ": attempt(lambda: read(f"/proc/{warm}/environ")), "ptrace": attempt(lambda: trace(warm)),
                 "cmdline": read(f"/proc/{warm}/cmdline")},
        "root": attempt(lambda: os.setuid(0)),
        "descriptors": [os.readlink(link) for link in glob.glob("/proc/self/fd/*") if os.path.lexists(link)],
        "own proxy": attempt(lambda: read(os.environ["X509_USER_PROXY"])),
        "proxy mode": oct(os.stat(os.environ["X509_USER_PROXY"]).st_mode & 0o777),
        "files": {path: attempt(lambda: read(path)) for path in PATHS},
        "writes": [attempt(lambda: open(path, "ab").close()) for path in WRITTEN],
        "limits": resource.getrlimit(resource.RLIMIT_CORE),
    }
    print("FOUND " + json.dumps(found))
    raise ValueError("that is all")
'''


def another_python() -> list[str]:
    """The command of the worker with a Python that other users may run too, and this environment's packages."""
    for python in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")):
        if python and _runs(python):
            return [python, "-m", "servicex.cli", "worker"]
    pytest.skip("no Python here can be run by another user")


def _runs(python: str) -> bool:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": packages()}
    try:
        ended = subprocess.run([python, "-c", "import uproot, servicex"], user=USER, group=USER, extra_groups=[],
                               cwd="/", env=environment, capture_output=True, timeout=60)
        return ended.returncode == 0
    except OSError:
        return False


def packages() -> str:
    """Where this environment's packages are, and ours."""
    return os.pathsep.join([sysconfig.get_paths()["purelib"], str(Path(__file__).resolve().parents[2])])


def test_program_finds_no_secret(make_site: Callable[..., Site]) -> None:
    require(os.geteuid() == 0, "only root may run programs as another user")
    command = another_python()
    site = make_site("PATHS = []\nWRITTEN = []\n" + PRIES)
    folder = site.folder
    write_events(folder / "input.root", 10).chmod(0o644)
    proxy, others_proxy = folder / "mounted-proxy", folder / "x509up_u0"
    for path, content in ((proxy, "the proxy of the pod"), (others_proxy, "somebody else's proxy")):
        path.write_text(content)
        path.chmod(0o400)
    scratch = folder / "scratch-0"
    hidden = [str(others_proxy), str(proxy)]
    written = [str(path) for path in (scratch / "x509" / "new", scratch / "tmp" / "new", scratch / "new",
                                      scratch / "programs" / site.request_id / "transform_single_file.py",
                                      scratch / "programs" / site.request_id / "new")]
    program = site.program / "..2026" / "generated_transformer.py"
    program.write_text(f"PATHS = {hidden!r}\nWRITTEN = {written!r}\n{PRIES}")
    site.publish([str(folder / "input.root")])
    worker = site.start(f"--child-user={USER}", f"--x509={proxy}", command=command, PYTHONPATH=packages(),
                        MAX_ATTEMPTS="1", HOME="/root", SECRET_KEY="a key of the server's own")
    (report,) = site.reported(1)
    said = report["error"]["log"]
    found = json.loads(re.findall(r"^FOUND (.*)$", said, re.MULTILINE)[0])
    secrets = [site.rabbitmq.password, site.s3.keys.secret_key, site.s3.keys.access_key, "a key of the server's own",
               "/internal/token"]
    assert report["error"]["message"] == "that is all"
    assert not [secret for secret in secrets if secret in said]
    assert found["ids"] == [[USER] * 3, [USER] * 3, []]
    assert found["mine"]["HOME"] == str(scratch / "tmp" / site.request_id) and "MINIO_URL" not in found["mine"]
    worker_seen = found["worker"]
    assert worker_seen["uid"] == 0
    for what in ("environ", "mem", "fd", "ptrace", "kill"):
        assert str(worker_seen[what]).startswith("refused: "), what
    assert found["warm"]["environ"].startswith("refused: ") and found["warm"]["ptrace"].startswith("refused: ")
    assert found["root"].startswith("refused: ")
    assert "--child-user" in worker_seen["cmdline"] and found["warm"]["cmdline"]
    # Its own environment, at the most, and those of the warm parent's other children.
    assert found["refused"] >= 3 and len(found["environments"]) <= 2
    # The connection to the worker, the log, and the file that is read.
    assert len([name for name in found["descriptors"] if name.startswith("socket:")]) == 1
    assert (found["own proxy"], found["proxy mode"]) == ("the proxy of the pod", "0o400")
    assert all(content.startswith("refused: ") for content in found["files"].values())
    assert all(str(outcome).startswith("refused: ") for outcome in found["writes"])
    assert worker.process.poll() is None


def test_results_and_inputs_of_the_other_user(make_site: Callable[..., Site], tmp_path: Path) -> None:
    """The worker stores what the program's user has written, and removes it."""
    require(os.geteuid() == 0, "only root may run programs as another user")
    command = another_python()
    site = make_site()
    write_events(site.folder / "input.root", 10).chmod(0o644)
    site.publish([str(site.folder / "input.root")], destination="volume")
    site.start(f"--child-user={USER}", command=command, PYTHONPATH=packages(), destination="volume",
               RESULTS_VOLUME=str(tmp_path))
    (report,) = site.reported(1)
    assert report["status"] == "success", report
    stored = tmp_path / "output" / site.request_id / report["s3-object-name"]
    assert stored.stat().st_size == report["object-size"]
    assert not list((site.folder / "scratch-0" / "tmp" / site.request_id).iterdir())
