"""The worker as a whole."""
import logging
import os
import signal
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from servicex import choices
from servicex.backends.launcher.base import TransformJob
from servicex.backends.launcher.local import LocalLauncher
from servicex.backends.object_store.base import is_bucket_name
from servicex.errors import ServiceXError
from servicex.processes import PRELOAD, ChildUser, WarmParent
from servicex.processes.linux import hide
from servicex.processes.user import UMASK
from servicex.settings import InvalidSettings, Settings
from servicex.worker.consumer import Consumer
from servicex.worker.isolation import ProxyCopy, child_environment
from servicex.worker.open_work import OpenWork
from servicex.worker.prefetch import Prefetch
from servicex.worker.reports import HttpReports
from servicex.worker.stores import store_for

_LOOK_SECONDS = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerOptions:
    """What the command line says: `program` is the folder of the generated files, times are in seconds.

    `user` is whom programs run as, None for the worker's own. A file that is in hand when the worker is told to end may
    take `grace` more; a queue that is gone is waited for during `patience`.
    """

    request_id: str
    program: Path
    language: str
    command: str
    result_format: str
    destination: str
    user: ChildUser | None
    x509: Path | None = None
    grace: float = 30.0
    patience: float = 60.0


def run(settings: Settings, options: WorkerOptions) -> int:
    """Serve the transform's queue until it is over or the worker is told to end; gives the exit status.

    Raises ServiceXError for what makes it impossible.
    """
    if not settings.RABBIT_MQ_URL:
        raise InvalidSettings("A worker needs RABBIT_MQ_URL.")
    if not is_bucket_name(options.request_id):
        raise ServiceXError(f"{options.request_id!r} is no request id.")
    hide()
    os.umask(UMASK)
    over = threading.Event()
    # Not the event itself: its lock may be held by this very thread when the signal comes.
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda which, _: told.append(which))
    with ExitStack() as ends:
        consumer, pool = _start(settings, options, over, ends)
        while not told and not over.wait(_LOOK_SECONDS):
            pass
        log.info("ending")
        consumer.leave()
        if not pool.finish(options.grace):
            log.warning("the file in hand is given back, since it takes too long")
    return 1 if consumer.lost else 0


def _start(settings: Settings, options: WorkerOptions, over: threading.Event,
           ends: ExitStack) -> tuple[Consumer, LocalLauncher]:
    data = settings.DATA_DIRECTORY.absolute()
    stopped = threading.Event()
    job = TransformJob(options.request_id, "", options.language, options.command, program_files(options.program),
                       options.result_format, options.destination)
    store = store_for(settings, options.destination, options.request_id, stopped)
    warm = _warm_parent(data, options)
    ends.callback(warm.close)
    reports = HttpReports(os.environ.get("HOST_NAME", ""))
    prefetch = Prefetch(warm, data / "tmp" / options.request_id, settings.PREFETCH_BYTES)
    work = OpenWork(prefetch, [host for host in settings.TRANSFORMER_CACHE_PREFIX.split(",") if host])
    consumer = Consumer(settings.RABBIT_MQ_URL, options.request_id, work, reports.address, over, options.patience)
    pool = LocalLauncher(work, {options.destination: store}, warm, reports, 1, data, choices.worker_limits(settings),
                         os.environ.get("POD_NAME") or socket.gethostname())
    ends.callback(consumer.close)
    ends.callback(pool.close)
    ends.callback(stopped.set)
    pool.start(job, 1)
    for thread in (reports, prefetch, consumer):
        thread.start()
    return consumer, pool


def _warm_parent(data: Path, options: WorkerOptions) -> WarmParent:
    data.mkdir(parents=True, exist_ok=True)
    if options.user is not None:
        options.user.may_pass(data)
    proxy = None
    if options.x509 is not None:
        proxy = ProxyCopy(options.x509, data / "x509", options.user)
        proxy.start()
    environment = child_environment(os.environ, options.user, data / "tmp" / options.request_id,
                                    proxy.path if proxy else None)
    return WarmParent((*PRELOAD, "vector"), environment, options.user)


def program_files(folder: Path) -> dict[str, bytes]:
    """The generated files. A mounted ConfigMap has links to them, and folders of its own whose names begin with `..`.

    Raises ServiceXError if there are none.
    """
    try:
        files = {path.name: path.read_bytes() for path in folder.iterdir()
                 if not path.name.startswith("..") and path.is_file()}
    except OSError as error:
        raise ServiceXError(f"--program: {folder} cannot be read: {error.strerror}.") from error
    if not files:
        raise ServiceXError(f"--program: there are no files in {folder}.")
    return files
