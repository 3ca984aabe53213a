"""Local transformers: real children, real files, a real store."""
import threading
import time
from pathlib import Path

import pytest
import uproot

from servicex.backends.launcher.local import WorkerLimits
from servicex.errors import ServiceXError
from tests.launcher.world import World, eventually
from tests.transformer.conftest import QUERY

SLEEPY = "import time\ndef run_query(tree):\n    time.sleep({seconds})\n    return tree['x'].array(library='np')\n"


def test_files_are_transformed_stored_and_reported(world, inputs):
    request_id = world.submit(QUERY, inputs[:5])
    reports = world.sink.wait(5)
    assert sorted(report.file_id for report in reports) == [1, 2, 3, 4, 5]
    for report in reports:
        assert (report.status, report.attempts, report.total_events, report.failure) == ("success", 1, 10, None)
        assert report.path == inputs[report.file_id - 1] and report.host and report.total_time > 0
    stored = {it.key: it.size for it in world.store.objects(request_id)}
    assert stored == {report.object_name: report.object_size for report in reports}
    with uproot.open({world.folder / "results" / request_id / reports[0].object_name: "servicex"}) as tree:
        assert tree["x"].array().tolist() == [2.0 * x for x in range(10)]
    assert {tuple(world.sink.statuses(file_id)) for file_id in range(1, 6)} == {("start", "finish")}


def test_second_replica_is_reported_under_the_name_of_the_file(world, inputs):
    world.submit(QUERY, [("/missing/input.root", inputs[0]), ("/missing/input.root",)])
    reports = {report.file_id: report for report in world.sink.wait(2)}
    assert (reports[1].status, reports[1].path) == ("success", inputs[0])
    assert reports[1].object_name.startswith("input-")
    assert (reports[2].status, reports[2].path, reports[2].attempts) == ("failure", "/missing/input.root", 1)
    assert reports[2].failure.error_class == "FileNotFoundError"


def test_file_published_twice_is_transformed_once(world, inputs):
    request_id = world.submit(SLEEPY.format(seconds=0.2), inputs[:2])
    world.publish(request_id, inputs[:2])
    world.sink.wait(2)
    world.publish(request_id, inputs[:2])
    world.publish(request_id, inputs[2:3], first=3)
    world.sink.wait(3)
    assert sorted(report.file_id for report in world.sink.reports) == [1, 2, 3]
    assert world.sink.statuses(1) == ["start", "finish"]


def test_small_transform_does_not_wait_behind_a_large_one(make_world, inputs):
    world = make_world(workers=1)
    large = world.submit(SLEEPY.format(seconds=0.1), inputs)
    world.sink.wait(1)
    small = world.submit(QUERY, inputs[:2])
    world.sink.wait(2, request_id=small)
    assert len([report for report in world.sink.reports if report.request_id == large]) < 15
    world.sink.wait(20, request_id=large)


def test_two_workers_and_two_transforms_are_a_worker_each(world, inputs):
    query = "import os, time\ndef run_query(tree):\n    time.sleep(0.05)\n    print('pid', os.getpid())\n" \
            "    return tree['x'].array(library='np')\n"
    one = world.submit(query, inputs)
    world.sink.wait(1)
    other = world.submit(query, inputs[:10])
    world.sink.wait(30)
    # The first one began alone with two, the other one had one of its own throughout.
    assert len(set(world.launcher.logs(other, 1000).splitlines())) <= 2
    assert len(set(world.launcher.logs(one, 1000).splitlines())) <= 4


def test_transform_has_no_more_workers_than_asked_for(make_world, inputs):
    world = make_world(workers=3)
    request_id = world.submit(SLEEPY.format(seconds=0.2), inputs[:6], workers=1)
    assert eventually(lambda: world.launcher.status(request_id).states.get("transforming") == 1)
    assert world.launcher.status(request_id).workers == 1
    world.launcher.scale(request_id, 3)
    assert eventually(lambda: world.launcher.status(request_id).states.get("transforming") == 3)


def test_stop_ends_the_work_within_a_second(world, inputs):
    query = "import subprocess\ndef run_query(tree):\n    subprocess.run(['sleep', '30'])"
    request_id = world.submit(query, inputs)
    other = world.submit(QUERY, [])
    assert eventually(lambda: world.launcher.status(request_id).states.get("transforming") == 2)
    time.sleep(0.3)
    started = time.monotonic()
    world.launcher.stop(request_id)
    assert time.monotonic() - started < 1
    assert world.launcher.status(request_id) is None and world.sink.reports == []
    world.publish(other, inputs[:2])
    assert [report.request_id for report in world.sink.wait(2)] == [other, other]
    assert {event.status for event in world.sink.events if event.request_id == request_id} == {"start"}
    assert not any(request_id in path for path in world.leftovers())
    assert not (world.folder / "data" / "programs" / request_id).exists()


def test_logs_show_what_workers_print_while_they_do(world, inputs):
    query = "import time\ndef run_query(tree):\n    for n in range(50): print('line', n)\n    time.sleep(20)"
    request_id = world.submit(query, inputs[:1])
    assert eventually(lambda: world.launcher.logs(request_id, 2) == "line 48\nline 49")
    assert world.launcher.logs(request_id, 0) == ""


def test_report_is_tried_again_while_the_database_is_away(world, inputs):
    world.sink.away = True
    request_id = world.submit(QUERY, inputs[:1])
    assert eventually(lambda: world.sink.refused >= 2)
    assert world.launcher.status(request_id).states["reporting"] == 1
    world.sink.away = False
    assert world.sink.wait(1)[0].status == "success"


def test_report_given_up_leaves_the_file_to_be_published_again(make_world, inputs):
    world = make_world(limits=WorkerLimits(report_seconds=0.2))
    world.sink.away = True
    request_id = world.submit(QUERY, inputs[:1])
    assert eventually(lambda: world.launcher.status(request_id).states == {"waiting": 2} and world.sink.refused > 1)
    world.sink.away = False
    world.publish(request_id, inputs[:1])
    assert world.sink.wait(1)[0].status == "success"


def test_stop_does_not_wait_for_an_absent_database(world, inputs):
    world.sink.away = True
    request_id = world.submit(QUERY, inputs[:1])
    assert eventually(lambda: world.sink.refused >= 2)
    started = time.monotonic()
    world.launcher.stop(request_id)
    assert time.monotonic() - started < 1
    world.sink.away = False
    time.sleep(0.3)
    assert world.sink.reports == []


def test_result_that_cannot_be_stored_is_tried_again(world, inputs, monkeypatch):
    put, failures = world.store.put, [OSError(28, "No space left on device"), OSError(5, "Input/output error")]

    def failing_put(bucket: str, key: str, source: Path) -> int:
        if failures:
            raise failures.pop(0)
        return put(bucket, key, source)

    monkeypatch.setattr(world.store, "put", failing_put)
    world.submit(QUERY, inputs[:1])
    report = world.sink.wait(1)[0]
    assert (report.status, report.attempts) == ("success", 3)
    told = [event.info for event in world.sink.events if event.status == "retry"]
    assert told[0] == "DiskFull: No space is left on the disk that holds the results."
    assert told[1] == "ResultNotStored: The result could not be stored: Input/output error."
    assert not any(path.endswith(".part") for path in world.leftovers())


def test_leftovers_of_a_killed_server_are_cleared(warm, tmp_path):
    for name in ("programs/old/a.py", "tmp/old/1-1.part"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_text("old")
    world = World(tmp_path, warm, workers=1)
    assert world.leftovers() == []
    world.launcher.close()


def test_program_with_a_path_for_a_name_is_refused(world, tmp_path):
    job = world.job()
    for name in ("../outside.py", "/etc/outside", "", "..", "a/b.py", "nul\0.py"):
        files = {**job.files, name: b""}
        with pytest.raises(ServiceXError, match="not a plain file name"):
            world.launcher.start(type(job)(**{**vars(job), "files": files}), 1)
    with pytest.raises(ServiceXError, match="cannot be the id"):
        world.launcher.start(type(job)(**{**vars(job), "request_id": "../x"}), 1)
    assert world.launcher.status(job.request_id) is None


def test_closed_launcher_has_no_threads_or_children_left(make_world, inputs):
    world = make_world(workers=2)
    world.submit(SLEEPY.format(seconds=20), inputs[:2])
    assert eventually(lambda: len(world.sink.events) == 2)
    world.launcher.close()
    assert not any(thread.name.startswith("worker-") for thread in threading.enumerate())
    assert world.sink.reports == []
