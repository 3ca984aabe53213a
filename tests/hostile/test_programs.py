"""Hostile programs, all at once on one server: each ends with its reason, harms its own files, and nothing else."""
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.hostile.asking import Record, Service, check_accounts
from tests.hostile.conftest import CANARY, ROWS, write_file
from tests.hostile.programs import GOOD, OUTPUT, PROGRAMS, SLEEPERS, function, writing

TWICE = "The worker answered twice: a program that forks must end its children by os._exit."
SERVER_MEMORY = 400 * 2 ** 20


@pytest.fixture(scope="module")
def ended(service: Service, good: Path) -> dict[str, Record]:
    """The records of all programs' transforms, each over one file, and of an honest one submitted last."""
    submitted = {name: service.submit_python(program.source, [good]) for name, program in PROGRAMS.items()}
    submitted["honest"] = service.submit([good])
    return {name: service.end(request_id, 100) for name, request_id in submitted.items()}


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something comes to hold within some seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if program.error_class])
def test_reason_is_told(service: Service, ended: dict[str, Record], name: str) -> None:
    program, record = PROGRAMS[name], ended[name]
    (error,) = service.errors(record["request_id"])
    assert record["status"] == "Fatal"
    assert error["error-class"] == program.error_class and error["attempts"] == (program.attempts or error["attempts"])
    assert program.words in error["info"] and program.words in record["failure-info"]
    assert len(error["info"]) <= 4096 and len(error["log"]) <= 20_000
    assert service.objects(record["request_id"]) == {}
    check_accounts(service, record["request_id"])


@pytest.mark.parametrize("name", [name for name, program in PROGRAMS.items() if not program.error_class])
def test_what_harms_nobody_is_let_be(service: Service, ended: dict[str, Record], name: str) -> None:
    assert ended[name]["status"] == "Complete", ended[name]["failure-info"]
    check_accounts(service, ended[name]["request_id"])


def test_honest_transform_among_them_is_done(service: Service, ended: dict[str, Record]) -> None:
    assert ended["honest"]["status"] == "Complete"
    assert service.results(ended["honest"]["request_id"])[0]["total-events"] == ROWS


def test_last_words_are_kept(service: Service, ended: dict[str, Record]) -> None:
    (error,) = service.errors(ended["prints 100 MB and fails"]["request_id"])
    assert "the last words" in error["log"]


def test_server_stays_small_and_leaves_nothing(service: Service, ended: dict[str, Record]) -> None:
    server = psutil.Process(service.server.pid)
    assert server.memory_info().rss < SERVER_MEMORY
    assert eventually(lambda: not list((service.server.data / "tmp").iterdir()))
    assert eventually(lambda: not any(process.name() == "sleep" for process in server.children(recursive=True)))
    assert eventually(lambda: len(server.children(recursive=True)) <= 6)
    assert not any(process.info["cmdline"] == ["sleep", SLEEPERS] for process in psutil.process_iter(["cmdline"]))


def test_secrets_are_nowhere_to_be_seen(service: Service, good: Path) -> None:
    """Of a server that runs as root only its own first environment can be seen: nothing hides that from root."""
    search = f"""
        canary = {CANARY[::-1]!r}[::-1]
        def holds(path):
            try:
                return canary.encode() in open(path, 'rb').read()
            except OSError:
                return False
        parent = os.getppid()
        server = int(open(f'/proc/{{parent}}/stat').read().rpartition(')')[2].split()[1])
        places = {{'mine': 'self', 'parent': parent, 'server': server}}
        found = [name for name, pid in places.items() if holds(f'/proc/{{pid}}/environ')]
        found += ['os.environ'] * (canary in os.environ.values())
        assert os.path.exists(f'/proc/{{server}}/environ')
        raise LookupError('seen: ' + ' '.join(found))"""
    request_id = service.submit_python(function(search), [good])
    service.end(request_id)
    (error,) = service.errors(request_id)
    assert error["info"] in (("seen: server", "seen:") if os.geteuid() == 0 else ("seen:",)), error


def test_link_to_another_transforms_result_is_not_passed_on(service: Service, good: Path) -> None:
    victim = service.submit([good])
    assert service.end(victim)["status"] == "Complete"
    before = service.objects(victim)
    (key,) = before
    target = service.server.data / "results" / victim / key
    thief = service.submit_python(writing(f"os.symlink({str(target)!r}, out)"), [good])
    assert "NoOutput" in service.end(thief)["failure-info"]
    assert service.objects(thief) == {}
    assert service.objects(victim) == before


def test_only_the_bad_file_of_a_transform_fails(service: Service, good: Path) -> None:
    files = [write_file(service.server.files / f"one_of_{number}.root") for number in range(6)]
    source = function(f"if 'one_of_3' in input_filenames: os._exit(1)\n{GOOD}")
    request_id = service.submit_python(source, files)
    record = service.end(request_id)
    assert (record["status"], record["files-completed"], record["files-failed"]) == ("Complete", 5, 1)
    assert [error["file"] for error in service.errors(request_id)] == [str(files[3])]
    check_accounts(service, request_id)


def test_two_answers_to_one_question_confuse_nobody(service: Service, good: Path) -> None:
    """A program that forks and lets both go on writes twice and answers twice."""
    files = [write_file(service.server.files / f"twin_{number}.root") for number in range(6)]
    forked, honest = service.submit_python(function(f"os.fork()\n{GOOD}"), files), service.submit(files)
    record = service.end(forked)
    assert record["files-completed"] + record["files-failed"] == 6 and record["files-remaining"] == 0
    assert {error["info"] for error in service.errors(forked)} <= {TWICE}
    assert (service.end(honest)["status"], service.record(honest)["files-completed"]) == ("Complete", 6)
    check_accounts(service, honest)


def test_program_that_kills_what_started_it(service: Service, good: Path) -> None:
    """All workers have one parent: who kills that costs the others an attempt, and nothing more."""
    killer = service.submit_python(function("os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)"), [good])
    record = service.end(killer)
    assert record["status"] == "Fatal" and "ended with its parent process" in record["failure-info"]
    assert service.end(service.submit([good]))["status"] == "Complete"


def test_program_that_deletes_the_folder_of_all_its_outputs(service: Service, good: Path) -> None:
    files = [write_file(service.server.files / f"rm_{number}.root") for number in range(3)]
    request_id = service.submit_python(function(OUTPUT + f"shutil.rmtree(os.path.dirname(out))\n{GOOD}"), files)
    assert service.end(request_id)["files-failed"] == 3
    assert service.end(service.submit(files))["files-completed"] == 3
