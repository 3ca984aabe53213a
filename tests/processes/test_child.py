"""One child: messages, ends of all kinds, what it prints, how much memory it has."""
import os
import threading
import time

import pytest

from servicex.processes import BadMessage, ChildDied, ChildTimedOut, MemoryLimitExceeded
from servicex.processes.messages import MAX_MESSAGE
from tests.processes.conftest import eventually, is_running

MIB = 2**20


def test_messages_go_both_ways(warm):
    with warm.spawn("targets:echo") as child:
        for message in ({"text": "Zürich \u2028"}, {"list": [1, 2.5, None, True]}, {"large": "x" * 3_000_000}):
            child.send(message)
            assert child.receive(10) == {"echo": message}
        assert child.pid != os.getpid()


def test_message_above_the_limit_is_not_sent(warm):
    with warm.spawn("targets:echo") as child:
        with pytest.raises(BadMessage, match="above the limit"):
            child.send({"large": "x" * (MAX_MESSAGE + 1)})


def test_silent_child_times_out_and_lives_on(warm):
    with warm.spawn("targets:silent") as child:
        with pytest.raises(ChildTimedOut):
            child.receive(0.1)
        assert is_running(child.pid)
    assert eventually(lambda: not is_running(child.pid))


def test_child_that_does_not_read_cannot_block_the_sender(warm):
    with warm.spawn("targets:silent") as child:
        with pytest.raises(ChildTimedOut):
            child.send({"large": "x" * 5_000_000}, timeout=0.2)


@pytest.mark.parametrize("target, how", [
    ("targets:exit_three", "exited with code 3"),
    ("targets:kill_itself", r"was killed by signal 9 \(SIGKILL\)"),
    ("targets:raise_error", "exited with code 1"),
    ("targets:no_such_function", "exited with code 1"),
    ("no_such_module:function", "exited with code 1"),
    ("targets:close_connection", "closed its connection"),
    ("targets:send_garbage", "sent what is no message: not JSON"),
    ("targets:send_nested", "sent what is no message: not JSON"),
    ("targets:announce_too_much", "sent what is no message: .* above the limit"),
])
def test_how_a_child_died_is_told(warm, target, how):
    with warm.spawn(target) as child:
        with pytest.raises(ChildDied, match=how):
            child.send({})
            child.receive(10)
    assert eventually(lambda: not is_running(child.pid))


def test_what_a_dying_child_said_is_kept(warm):
    with warm.spawn("targets:raise_error") as child:
        with pytest.raises(ChildDied):
            child.receive(10)
        assert "LookupError: nothing of the kind" in child.log_tail()
    assert "LookupError: nothing of the kind" in child.log_tail()


def test_hundred_megabytes_of_print_leave_the_last_lines(warm):
    with warm.spawn("targets:print_much") as child:
        child.send({})
        assert child.receive(20) == {"printed": True}
        log = child.log_tail()
    assert log.endswith("x\nthe last line\n") and len(log) == 16 * 1024


def test_log_lines_are_readable_and_can_be_cleared(warm):
    with warm.spawn("targets:print_odd") as child:
        child.receive(10)
        assert child.log_tail() == "10%\n20%\n?[31mred? � café\n"
        child.clear_log()
        assert child.log_tail() == ""


def test_kill_from_another_thread_ends_a_pending_receive(warm):
    with warm.spawn("targets:silent") as child:
        threading.Timer(0.2, child.kill).start()
        started = time.monotonic()
        with pytest.raises(ChildDied, match="was killed by the server"):
            child.receive(30)
        assert time.monotonic() - started < 2
        child.kill()


def test_one_large_request_for_memory_is_refused(warm):
    with warm.spawn("targets:ask_for_memory", memory_limit=200 * MIB) as child:
        child.send({"size": 400 * MIB})
        assert child.receive(10) == {"refused": True}
    with warm.spawn("targets:ask_for_memory", memory_limit=200 * MIB) as child:
        child.send({"size": 50 * MIB})
        assert child.receive(10) == {"refused": False, "length": 50 * MIB}


@pytest.mark.parametrize("target", ["targets:fill_shared_memory", "targets:grow_in_grandchildren"])
def test_child_above_its_memory_limit_is_killed(warm, target):
    with warm.spawn(target, memory_limit=300 * MIB) as child:
        with pytest.raises(MemoryLimitExceeded, match="exceeded its memory limit of 0.3 GiB"):
            child.receive(20)
    assert eventually(lambda: not is_running(child.pid))


def test_children_have_random_numbers_of_their_own(warm):
    drawn = []
    for _ in range(2):
        with warm.spawn("targets:numbers") as child:
            drawn.append(child.receive(10))
    assert drawn[0]["random"] != drawn[1]["random"] and drawn[0]["numpy"] != drawn[1]["numpy"]


def test_no_descriptor_is_left_behind(warm):
    def use_children() -> int:
        for target in ("targets:echo", "targets:exit_three", "targets:kill_itself"):
            with warm.spawn(target) as child:
                child.send({})
                try:
                    child.receive(10)
                except ChildDied:
                    pass
        return len(os.listdir("/proc/self/fd"))

    before = use_children()
    assert use_children() == before
    assert eventually(lambda: len(os.listdir(f"/proc/{warm.pid}/fd")) < 10)
