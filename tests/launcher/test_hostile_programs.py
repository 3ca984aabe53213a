"""User programs that misbehave cost their own file and nothing else."""
import os
from dataclasses import replace

import pytest

from servicex.backends.launcher.local import WorkerLimits
from servicex.processes import WarmParent
from tests.launcher.world import World, eventually
from tests.transformer.conftest import QUERY

LIMITS = WorkerLimits(attempts=2, file_seconds=20, memory_bytes=400 * 2**20, pause_seconds=0.05)


def only_for_input_0(statement: str) -> str:
    """A query that misbehaves on the first input only."""
    return ("import mmap, os, signal, subprocess, sys, time\n"
            "def run_query(tree):\n"
            "    if 'input-0' in tree.file.file_path:\n"
            "        print('about to misbehave', flush=True)\n"
            f"        {statement}\n"
            "    return tree['x'].array(library='np')\n")


@pytest.mark.parametrize("statement, error_class, message, attempts", [
    ("raise ValueError('no such muon')", "ValueError", "no such muon", 1),
    ("raise SystemExit(2)", "SystemExit", "the program called sys.exit(2)", 1),
    ("raise OSError('server busy')", "OSError", "server busy", 2),
    ("os.write(os.open('/dev/full', os.O_WRONLY), b'x')", "DiskFull",
     "no space is left on the disk that holds the results", 2),
    ("os._exit(7)", "WorkerDied", "The worker exited with code 7.", 2),
    ("os.kill(os.getpid(), signal.SIGSEGV)", "WorkerDied", "The worker was killed by signal 11 (SIGSEGV).", 2),
    ("x = b'x' * 2**30", "MemoryLimitExceeded", "the program asked for more memory than a worker may have", 1),
    ("m = mmap.mmap(-1, 2**29); m.write(b'x' * 2**28); m.write(b'x' * 2**28); time.sleep(60)", "MemoryLimitExceeded",
     "The worker exceeded its memory limit of 0.4 GiB.", 2),
    ("os.close(1); os.close(2); os.closerange(3, 64); time.sleep(9)", "WorkerDied",
     "The worker closed its connection.", 2),
])
def test_misbehaviour_costs_one_file(make_world, inputs, statement, error_class, message, attempts):
    world = make_world(workers=1, limits=LIMITS)
    world.submit(only_for_input_0(statement), inputs[:3])
    reports = {report.file_id: report for report in world.sink.wait(3)}
    failure = reports[1].failure
    assert (failure.error_class, failure.message, reports[1].attempts) == (error_class, message, attempts)
    assert "about to misbehave" in failure.log
    assert world.sink.statuses(1) == ["start", "retry"] * (attempts - 1) + ["start", "failure"]
    assert (reports[2].status, reports[3].status) == ("success", "success")
    assert not any(path.endswith(".part") for path in world.leftovers())


def test_endless_loop_ends_at_the_deadline(make_world, inputs):
    world = make_world(workers=1, limits=replace(LIMITS, file_seconds=1.5))
    world.submit(only_for_input_0("while True: pass"), inputs[:2])
    reports = {report.file_id: report for report in world.sink.wait(2)}
    assert reports[1].failure.error_class == "DeadlineExceeded" and reports[1].attempts == 2
    assert reports[1].failure.message == "The file was not transformed within its deadline of 1.5 s."
    assert reports[2].status == "success"


def test_hundred_megabytes_of_print_do_no_harm(make_world, inputs):
    world = make_world(workers=1, limits=LIMITS)
    request_id = world.submit(only_for_input_0("os.write(1, b'x' * 10**8)"), inputs[:2])
    assert [report.status for report in world.sink.wait(2)] == ["success", "success"]
    assert 0 < len(world.launcher.logs(request_id, 10**6)) <= 64 * 1024


def test_environment_shows_nothing_of_the_server(monkeypatch, tmp_path, inputs):
    monkeypatch.setenv("SECRET_KEY", "do-not-show")
    warm = WarmParent()
    world = World(tmp_path, warm, workers=1)
    request_id = world.submit(only_for_input_0(
        "print('seen', dict(os.environ), *(open(f'/proc/{pid}/environ').read() for pid in ('self', os.getppid())))"),
        inputs[:1])
    assert world.sink.wait(1)[0].status == "success"
    log = world.launcher.logs(request_id, 1000)
    world.launcher.close()
    warm.close()
    assert "seen" in log and "PATH" in log and "do-not-show" not in log and "SECRET_KEY" not in log


def test_program_that_kills_its_parent_costs_an_attempt_of_the_files_in_hand(make_world, inputs, tmp_path):
    world = make_world(workers=2, limits=WorkerLimits(attempts=3, file_seconds=20, pause_seconds=0.05))
    marker = tmp_path / "marker"
    statement = f"if not os.path.exists({str(marker)!r}): open({str(marker)!r}, 'w'); os.kill(os.getppid(), 9)"
    query = only_for_input_0(statement).replace("    return", "    time.sleep(0.5)\n    return")
    world.submit(query, inputs[:4])
    reports = world.sink.wait(4)
    assert {report.status for report in reports} == {"success"}
    assert sorted(report.attempts for report in reports) in ([1, 1, 1, 2], [1, 1, 2, 2])


def test_grandchild_is_gone_with_a_failed_file(make_world, inputs):
    world = make_world(workers=1, limits=LIMITS)
    query = only_for_input_0("print('PID', subprocess.Popen(['sleep', '64']).pid); os._exit(1)")
    world.submit(query, inputs[:1])
    log = world.sink.wait(1)[0].failure.log
    pid = int(log.partition("PID ")[2])
    assert eventually(lambda: not os.path.exists(f"/proc/{pid}"))


def test_link_for_an_output_is_not_stored(make_world, inputs):
    runner = ("import os\ndef transform_single_file(file_path, output_path, output_format):\n"
              "    os.symlink('/etc/passwd', output_path)\n    return {'total-events': 1}")
    world = make_world(workers=1, limits=LIMITS)
    request_id = world.submit(QUERY, inputs[:1], runner=runner)
    assert world.sink.wait(1)[0].failure.error_class == "NoOutput"
    assert list(world.store.objects(request_id)) == []


@pytest.mark.parametrize("reply", [
    "{}", "{'status': 'success', 'path': '/etc/passwd', 'total_events': 1}",
    "{'status': 'success', 'path': [], 'total_events': 1}", "{'status': 'success', 'path': None}",
    r"{'status': 'failure', 'error_class': 7, 'message': 'a\ud800\0b', 'trace': None, 'retryable': 'yes'}",
])
def test_forged_reply_is_a_failure(make_world, inputs, reply):
    """The program finds the child's connection among the objects in memory and answers in its place."""
    runner = ("import gc, os\nfrom servicex.processes.messages import Connection\n"
              "def transform_single_file(*_):\n"
              "    [it for it in gc.get_objects() if type(it) is Connection][0].send(%s)\n    os._exit(0)" % reply)
    world = make_world(workers=1, limits=LIMITS)
    world.submit(QUERY, inputs[:1], runner=runner)
    failure = world.sink.wait(1)[0].failure
    assert failure is not None and failure.message in ("No reason given.", "a??b")
