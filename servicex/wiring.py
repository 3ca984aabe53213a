"""From settings to back ends to services: the only place that chooses an implementation."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlalchemy import Engine

from servicex.api.services import Services
from servicex.backends.broker.in_process import InProcessBroker
from servicex.backends.code_generator.builtin import BuiltinCodeGenerator
from servicex.backends.code_generator.http import HttpCodeGenerator
from servicex.backends.did_finder.builtin import BuiltinDidFinder
from servicex.backends.did_finder.paths import check_file_list
from servicex.backends.launcher.base import Launcher, WorkersStatus
from servicex.backends.launcher.local import LocalLauncher, WorkerLimits
from servicex.backends.object_store.base import ObjectStore
from servicex.backends.object_store.credentials import Credentials
from servicex.backends.object_store.local import LocalObjectStore
from servicex.capabilities import Capabilities, capability_keys
from servicex.backends.result_store import ResultStore
from servicex.backends.results_volume import ResultsVolume
from servicex.controller.loop import Controller, Wakeup
from servicex.controller.steps import Limits, TransformSteps
from servicex.data_directory import secret_key
from servicex.processes import PRELOAD, WarmParent
from servicex.services.control import ControlService
from servicex.services.datasets import DatasetService
from servicex.services.finder_reports import FinderReports
from servicex.services.results import ResultService
from servicex.services.submissions import OBJECT_STORE, VOLUME
from servicex.services.transactions import Transactions
from servicex.services.transformer_reports import TransformerReports
from servicex.services.transforms import TransformService
from servicex.settings import InvalidSettings, Settings

LOCAL_SCHEME = "file"
# A finder ends its look-ups itself and says why; only one that is silent for this many seconds more is asked again.
LOOKUP_GRACE = 30.0
# A finder that failed is asked again after so many seconds.
FAILED_LOOKUP_PAUSE = 10.0


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
    store: ObjectStore
    stores: Mapping[str, ResultStore]
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
            finder_reports=FinderReports(self.transactions, self.datasets, self.settings.LOOKUP_ATTEMPTS,
                                         FAILED_LOOKUP_PAUSE, self.wakeup),
            transformer_reports=TransformerReports(self.transactions, self.results, self.wakeup, self.store.size,
                                                   self.store.delete_object),
            capabilities=capabilities(self.settings), open_callbacks=self.settings.OPEN_INTERNAL_ROUTES,
            credentials=_client_credentials(self.settings, self.store), public_endpoint=self.settings.MINIO_PUBLIC_URL,
            public_secured=self.settings.MINIO_ENCRYPT_PUBLIC, app_version=app_version(),
            generator_urls=dict.fromkeys(self.generator.images(), "builtin") | self.settings.CODE_GEN_SERVICE_URLS)

    def start(self) -> None:
        """Start the workers and the controller in this process, which must be the only server on its database."""
        broker = InProcessBroker()
        self.launcher = _launcher(self, broker)
        control = ControlService(self.transactions)
        control.take_over()
        self.datasets.forget_lookups()
        steps = TransformSteps(control, self.results, broker, self.launcher, self.stores, lambda request_id: "",
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
                              partial(check_file_list, allowed_paths=allowed), partial(_lifetime, settings), wakeup,
                              silence=settings.LOOKUP_SECONDS + LOOKUP_GRACE)
    finder = BuiltinDidFinder(datasets, allowed, deadline=settings.LOOKUP_SECONDS, portal=settings.CERNOPENDATA_URL,
                              rucio_config=settings.RUCIO_CONFIG)
    datasets.add_finder(finder)
    store = _object_store(settings)
    stores = _stores(settings, store)
    remote = HttpCodeGenerator(settings.CODE_GEN_SERVICE_URLS, settings.CODE_GEN_IMAGES,
                               settings.CODE_GENERATION_SECONDS, settings.TRANSFORMER_CONVERTS_TO_PARQUET)
    transforms = TransformService(transactions, datasets, [generator, remote], list(stores),
                                  settings.MAX_SELECTION_BYTES, app_version(), wakeup)
    return Parts(settings, transactions, wakeup, store, stores, warm, generator, finder, datasets,
                 ResultService(transactions, wakeup), transforms)


def capabilities(settings: Settings) -> Capabilities:
    """The tokens in the addresses that finders and transformers are handed."""
    newest = secret_key(settings.SECRET_KEY, settings.DATA_DIRECTORY)
    return Capabilities(capability_keys([newest, *settings.SECRET_KEY_FALLBACKS]))


def _check(settings: Settings) -> None:
    if settings.ENABLE_AUTH:
        raise InvalidSettings("ENABLE_AUTH is True, but this version has no accounts yet: it would be open to all. "
                              "Set it to False and keep the server on the loopback address.")


def _object_store(settings: Settings) -> ObjectStore:
    secret = secret_key(settings.SECRET_KEY, settings.DATA_DIRECTORY).encode()
    if not settings.MINIO_URL:
        return LocalObjectStore(settings.DATA_DIRECTORY.absolute() / "results", secret)
    # Only here, since boto3 takes its time and its memory.
    from servicex.backends.object_store.s3 import S3ObjectStore
    from servicex.backends.object_store.s3_client import S3Endpoint
    endpoint = S3Endpoint(settings.MINIO_URL, settings.MINIO_ENCRYPT, settings.MINIO_ACCESS_KEY,
                          settings.MINIO_SECRET_KEY, settings.MINIO_REGION)
    return S3ObjectStore(endpoint, secret)


def _stores(settings: Settings, object_store: ObjectStore) -> dict[str, ResultStore]:
    """What takes results, by the destination that is asked for."""
    stores: dict[str, ResultStore] = {}
    if settings.OBJECT_STORE_ENABLED:
        stores[OBJECT_STORE] = object_store
    if settings.RESULTS_VOLUME:
        stores[VOLUME] = ResultsVolume(settings.RESULTS_VOLUME.absolute() / settings.TRANSFORMER_PERSISTENCE_SUBDIR)
    return stores


def _client_credentials(settings: Settings, store: ObjectStore) -> Callable[[str], Credentials]:
    """What gives the credentials that the clients of a transform are told: their own, or those the site shares."""
    if not settings.SHARED_READ_ONLY_S3_KEYS:
        return store.credentials
    shared = Credentials(*settings.SHARED_READ_ONLY_S3_KEYS.split(":", 1))
    return lambda bucket: shared


def _lifetime(settings: Settings, scheme: str) -> float:
    """Seconds for which a look-up may be used again. Local folders change under their owner's hands: not at all."""
    return 0.0 if scheme == LOCAL_SCHEME else settings.DATASET_LIFETIME_SECONDS


def _launcher(parts: Parts, broker: InProcessBroker) -> LocalLauncher:
    settings = parts.settings
    limits = WorkerLimits(attempts=settings.MAX_ATTEMPTS, file_seconds=settings.FILE_SECONDS,
                          memory_bytes=settings.WORKER_MEMORY_BYTES)
    return LocalLauncher(broker, parts.stores, parts.warm, parts.results, settings.WORKERS,
                         settings.DATA_DIRECTORY.absolute(), limits)


def _limits(settings: Settings) -> Limits:
    return Limits(workers=settings.WORKERS, publish_chunk=settings.PUBLISH_CHUNK, publish_ahead=settings.PUBLISH_AHEAD,
                  stall_seconds=settings.STALL_SECONDS, stall_rounds=settings.STALL_ROUNDS,
                  transform_seconds=settings.TRANSFORM_SECONDS, active=settings.MAX_ACTIVE_TRANSFORMS)
