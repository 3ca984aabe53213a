"""The warm parent: what its children see, that they die when they should, that it comes back."""
import os
import signal
import subprocess
import sys
import threading

import pytest

from servicex.errors import Unavailable
from servicex.processes import ChildDied, WarmParent
from servicex.processes.environment import scrubbed
from tests.processes.conftest import HERE, eventually, is_running

ROOT = HERE.parents[1]


def test_children_see_nothing_of_the_servers_environment(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do-not-show")
    monkeypatch.setenv("DATABASE_URL", "do-not-show-either")
    monkeypatch.setenv("XRD_STREAMTIMEOUT", "17")
    warm = WarmParent(preload=[], environment=scrubbed(os.environ) | {"PYTHONPATH": str(HERE)})
    with warm.spawn("targets:environment") as child:
        seen = child.receive(10)
    warm.close()
    assert "do-not-show" not in str(seen)
    assert seen["os"]["XRD_STREAMTIMEOUT"] == "17" and "XRD_STREAMTIMEOUT=17" in seen["own"]
    assert seen["os"]["OMP_NUM_THREADS"] == "1" and seen["os"]["PATH"] == os.environ["PATH"]


def test_children_inherit_no_files_of_the_server(warm, tmp_path):
    with open(tmp_path / "servers-own", "w") as file:
        os.set_inheritable(file.fileno(), True)
        with warm.spawn("targets:environment") as child:
            descriptors = child.receive(10)["descriptors"]
    assert not any("servers-own" in name for name in descriptors)
    # Its socket, the log twice, nothing on stdin, and the folder being listed.
    assert len(descriptors) <= 5


def test_preloaded_modules_are_there_and_an_unknown_one_does_no_harm(capfd):
    environment = scrubbed(os.environ) | {"PYTHONPATH": str(HERE)}
    warm = WarmParent(preload=["no_such_module", "colorsys"], environment=environment)
    with warm.spawn("targets:modules") as child:
        assert "colorsys" in child.receive(10)["modules"]
    warm.close()
    assert "cannot load no_such_module beforehand" in capfd.readouterr().err


def test_kill_takes_grandchildren_along(warm):
    with warm.spawn("targets:spawn_sleepers") as child:
        pids = child.receive(10)["pids"]
        assert all(is_running(pid) for pid in pids)
    assert eventually(lambda: not any(is_running(pid) for pid in pids))


def test_orphans_are_ended_with_their_child(warm):
    with warm.spawn("targets:leave_orphan") as child:
        pids = child.receive(10)["pids"]
    assert eventually(lambda: not any(is_running(pid) for pid in pids))


def test_what_one_child_started_outlives_not_even_its_normal_end(warm):
    with warm.spawn("targets:spawn_sleepers") as child:
        pids = child.receive(10)["pids"]
        child.send({})
        with pytest.raises(ChildDied, match="exited with code 0"):
            child.receive(10)
        assert eventually(lambda: not any(is_running(pid) for pid in pids))


def test_child_may_kill_the_warm_parent_and_another_one_comes(warm):
    with warm.spawn("targets:echo") as bystander, warm.spawn("targets:kill_parent") as child:
        child.send({})
        with pytest.raises(ChildDied, match="ended with its parent process"):
            child.receive(10)
        with pytest.raises(ChildDied):
            bystander.receive(10)
        assert eventually(lambda: not is_running(child.pid) and not is_running(bystander.pid))
    with warm.spawn("targets:echo") as child:
        child.send({"again": 1})
        assert child.receive(10) == {"echo": {"again": 1}}


def test_grandchildren_do_not_survive_the_warm_parent(warm):
    with warm.spawn("targets:spawn_sleepers") as child:
        pids = child.receive(10)["pids"]
        os.kill(warm.pid, signal.SIGKILL)
        assert eventually(lambda: not is_running(child.pid))
    # The one that left the group is nobody's to find any more.
    assert eventually(lambda: not is_running(pids[0]))
    os.kill(pids[1], signal.SIGKILL)


def test_stopped_warm_parent_is_replaced(warm, monkeypatch):
    monkeypatch.setattr("servicex.processes.warm._FORKED_WITHIN", 0.5)
    with warm.spawn("targets:stop_parent") as child:
        child.send({})
        child.receive(10)
        stopped = warm.pid
        with warm.spawn("targets:echo") as other:
            other.send({"here": 1})
            assert other.receive(10) == {"echo": {"here": 1}}
    assert warm.pid != stopped and not is_running(stopped)


def test_many_threads_may_spawn_at_once(warm):
    answers = []

    def use(number: int) -> None:
        for _ in range(5):
            with warm.spawn("targets:echo") as child:
                child.send({"number": number})
                answers.append(child.receive(20) == {"echo": {"number": number}})

    threads = [threading.Thread(target=use, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 30


def test_start_does_nothing_the_second_time(warm):
    warm.start()
    first = warm.pid
    warm.start()
    assert warm.pid == first and first is not None


def test_warm_parent_that_cannot_start_is_unavailable():
    warm = WarmParent(preload=[], environment={"PYTHONHOME": "/nowhere"})
    with pytest.raises(Unavailable):
        warm.spawn("targets:echo")


def test_close_ends_everything(warm):
    child = warm.spawn("targets:silent")
    parent = warm.pid
    warm.close()
    assert eventually(lambda: not is_running(child.pid) and not is_running(parent))
    child.close()
    with pytest.raises(Unavailable):
        warm.spawn("targets:echo")


SERVER = """
import sys, time
from tests.processes.conftest import make_warm
warm = make_warm()
child = warm.spawn("targets:spawn_sleepers")
print(warm.pid, child.pid, *child.receive(10)["pids"], flush=True)
time.sleep(60)
"""


def test_server_killed_leaves_no_process():
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        pids = [int(pid) for pid in server.stdout.readline().split()]
        assert len(pids) == 4 and all(is_running(pid) for pid in pids)
        server.kill()
    assert eventually(lambda: not any(is_running(pid) for pid in pids))


def test_server_does_not_import_the_heavy_libraries():
    script = "import servicex.processes, servicex.backends.launcher.local, sys\n" \
             "print([name for name in ('numpy', 'uproot', 'awkward', 'pyarrow') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_server_killed_before_it_read_all_ends_the_parent_without_a_word():
    program = ("import socket; from servicex.processes.parent import WarmParent; ours, servers = socket.socketpair(); "
               "ours.sendall(b'never read'); servers.close(); WarmParent(ours).serve()")
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
