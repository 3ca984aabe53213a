"""Turns: nobody waits in a busy loop."""
import threading
import time
from pathlib import Path

from servicex.backends.broker.base import WorkMessage, work_queue
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.local_transform import LocalTransform
from servicex.backends.launcher.local_turns import Stint, Turns
from servicex.backends.launcher.local_work import InProcessWork
from servicex.backends.results_volume import ResultsVolume


def test_retry_that_is_due_waits_quietly_for_a_free_worker(tmp_path: Path) -> None:
    broker, request_id = InProcessBroker(), "one"
    turns = Turns(InProcessWork(broker))
    broker.declare(work_queue(request_id))
    broker.publish(work_queue(request_id), [WorkMessage(request_id, i, ("/a",), "", "", "") for i in (1, 2)])
    transform = LocalTransform(TransformJob(request_id, "", "python", "", {}, "", ""), 2, tmp_path,
                               ResultsVolume(tmp_path))
    turns.add(transform)
    for turn in [turns.next(worker, Stint()) for worker in "ab"]:
        assert turn is not None
        turns.again("ab"[turn.message.file_id - 1], turn, 0.0)
    transform.workers = 1
    assert turns.next("a", Stint()) is not None, "one retry is taken, the other has to wait for the one worker"
    waiting = threading.Thread(target=turns.next, args=("b", Stint()))
    waiting.start()
    before = time.process_time()
    time.sleep(0.5)
    spent = time.process_time() - before
    turns.close()
    waiting.join()
    assert spent < 0.25
