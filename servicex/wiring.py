"""From settings to back ends to services: the only place that chooses an implementation."""
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import Engine

from servicex.api.services import Services
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.code_generator.builtin import BuiltinCodeGenerator
from servicex.backends.did_finder.builtin import BuiltinDidFinder
from servicex.backends.did_finder.paths import check_file_list
from servicex.backends.launcher.base import Launcher, WorkersStatus
from servicex.backends.launcher.local import LocalLauncher, WorkerLimits
from servicex.backends.object_store.local import LocalObjectStore
from servicex.controller.loop import Controller, Wakeup
from servicex.controller.steps import Limits, TransformSteps
from servicex.data_directory import secret_key
from servicex.processes import PRELOAD, WarmParent
from servicex.services.control import ControlService
from servicex.services.datasets import DatasetService
from servicex.services.results import ResultService
from servicex.services.submissions import OBJECT_STORE
from servicex.services.transactions import Transactions
from servicex.services.transforms import TransformService
from servicex.settings import InvalidSettings, Settings

LOCAL_SCHEME = "file"
# A finder ends its look-ups itself and says why; only one that is silent for this many seconds more is asked again.
LOOKUP_GRACE = 30.0


def app_version() -> str:
    """The version of the installed distribution, or `develop`."""
    try:
        return version("servicex-app")
    except PackageNotFoundError:
        return "develop"


@dataclass
class Parts:
    """The server's parts, wired. Workers and controller run from `start` on."""

    settings: Settings
    transactions: Transactions
    wakeup: Wakeup
    store: LocalObjectStore
    warm: WarmParent
    generator: BuiltinCodeGenerator
    finder: BuiltinDidFinder
    datasets: DatasetService
    results: ResultService
    transforms: TransformService
    launcher: Launcher | None = field(default=None)
    controller: Controller | None = field(default=None)

    def workers(self, request_id: str) -> WorkersStatus | None:
        """What the workers of a transform do; None if it has none."""
        return self.launcher.status(request_id) if self.launcher else None

    def services(self) -> Services:
        """What the API is handed."""
        return Services(
            transforms=self.transforms, datasets=self.datasets, results=self.results, workers=self.workers,
            credentials=self.store.credentials, public_endpoint=self.settings.MINIO_PUBLIC_URL,
            public_secured=self.settings.MINIO_ENCRYPT_PUBLIC, app_version=app_version(),
            generator_urls={name: "builtin" for name in self.generator.images()})

    def start(self) -> None:
        """Start the workers and the controller in this process, which must be the only server on its database."""
        broker = InProcessBroker()
        self.launcher = _launcher(self, broker)
        control = ControlService(self.transactions)
        control.take_over()
        self.datasets.forget_lookups()
        steps = TransformSteps(control, self.results, broker, self.launcher, self.store, lambda request_id: "",
                               _limits(self.settings))
        self.controller = Controller(control, self.datasets, self.results, steps, self.wakeup,
                                     self.settings.CONTROLLER_SECONDS, self.settings.LOOKUP_SECONDS + LOOKUP_GRACE,
                                     self.settings.LOOKUP_ATTEMPTS)
        self.controller.start()

    def close(self) -> None:
        """Stop all that `start` started."""
        for part in (self.controller, self.launcher, self.finder, self.generator, self.warm):
            if part is not None:
                part.close()


def build(settings: Settings, engine: Engine) -> Parts:
    """Wire the parts of the embedded server. Raises InvalidSettings."""
    _check(settings)
    transactions, wakeup = Transactions(engine), Wakeup()
    warm = WarmParent((*PRELOAD, "servicex.codegen.child", "vector"))
    generator = BuiltinCodeGenerator(warm, app_version(), settings.CODE_GENERATION_SECONDS,
                                     settings.CODE_GENERATION_MEMORY_BYTES)
    allowed = [Path(path).absolute() for path in settings.ALLOWED_PATHS]
    datasets = DatasetService(transactions, settings.DID_FINDER_DEFAULT_SCHEME,
                              partial(check_file_list, allowed_paths=allowed), partial(_lifetime, settings), wakeup)
    finder = BuiltinDidFinder(datasets, allowed, deadline=settings.LOOKUP_SECONDS)
    datasets.add_finder(finder)
    transforms = TransformService(transactions, datasets, [generator], [OBJECT_STORE], settings.MAX_SELECTION_BYTES,
                                  app_version(), wakeup)
    store = LocalObjectStore(settings.DATA_DIRECTORY.absolute() / "results",
                             secret_key(settings.SECRET_KEY, settings.DATA_DIRECTORY).encode())
    return Parts(settings, transactions, wakeup, store, warm, generator, finder, datasets,
                 ResultService(transactions, wakeup), transforms)


def _check(settings: Settings) -> None:
    if settings.ENABLE_AUTH:
        raise InvalidSettings("ENABLE_AUTH is True, but this version has no accounts yet: it would be open to all. "
                              "Set it to False and keep the server on the loopback address.")


def _lifetime(settings: Settings, scheme: str) -> float:
    """Seconds for which a look-up may be used again. Local folders change under their owner's hands: not at all."""
    return 0.0 if scheme == LOCAL_SCHEME else settings.DATASET_LIFETIME_SECONDS


def _launcher(parts: Parts, broker: InProcessBroker) -> LocalLauncher:
    settings = parts.settings
    limits = WorkerLimits(attempts=settings.MAX_ATTEMPTS, file_seconds=settings.FILE_SECONDS,
                          memory_bytes=settings.WORKER_MEMORY_BYTES)
    return LocalLauncher(broker, parts.store, parts.warm, parts.results, settings.WORKERS,
                         settings.DATA_DIRECTORY.absolute(), limits)


def _limits(settings: Settings) -> Limits:
    return Limits(workers=settings.WORKERS, publish_chunk=settings.PUBLISH_CHUNK, publish_ahead=settings.PUBLISH_AHEAD,
                  stall_seconds=settings.STALL_SECONDS, stall_rounds=settings.STALL_ROUNDS,
                  transform_seconds=settings.TRANSFORM_SECONDS, active=settings.MAX_ACTIVE_TRANSFORMS)
