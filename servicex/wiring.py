"""From settings to back ends to services: the parts of a server, put together."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from servicex import choices
from servicex.api.services import Services
from servicex.backends.broker.base import Broker, work_queue
from servicex.backends.code_generator.base import CodeGenerator
from servicex.backends.did_finder.base import DidFinder
from servicex.backends.did_finder.paths import check_file_list
from servicex.backends.identity.base import IdentityProvider
from servicex.backends.launcher.base import Launcher, WorkersStatus
from servicex.backends.object_store.base import ObjectStore
from servicex.backends.result_store import ResultStore
from servicex.capabilities import Capabilities
from servicex.controller.kills import KillAccounting
from servicex.controller.loop import Controller, Wakeup
from servicex.controller.notices import NoticeSender
from servicex.controller.steps import Limits, TransformSteps, Workers
from servicex.notifications import WakeListener, WakeSender
from servicex.processes import PRELOAD, WarmParent
from servicex.services import default_users
from servicex.services.accounts import AccountService
from servicex.services.api_tokens import ApiTokenService
from servicex.services.audit import AuditLog
from servicex.services.control import ControlService
from servicex.services.datasets import DatasetService
from servicex.services.default_users import DefaultUsers
from servicex.services.device_codes import DeviceCodeService
from servicex.services.finder_reports import FinderReports
from servicex.services.health import Check, Health
from servicex.services.kills import KillService
from servicex.services.live import LiveStates
from servicex.services.notices import Notices, NoticeService
from servicex.services.results import ResultService
from servicex.services.sign_ins import SignInService
from servicex.services.slack_clicks import SlackClicks
from servicex.services.transactions import Transactions
from servicex.services.transformer_reports import TransformerReports
from servicex.services.transforms import TransformService
from servicex.settings import InvalidSettings, Settings

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


class Closable(Protocol):
    """What ends what it has begun."""

    def close(self) -> None: ...


@dataclass
class Parts:
    """The server's parts, wired. What answers requests is there from the beginning; the controller once it is started.

    `wake` tells the controller, in whatever process it is, that there is something to do, `wake_sender` that there is a
    notice to send.
    """

    settings: Settings
    engine: Engine
    transactions: Transactions
    wake: Callable[[], None]
    wake_sender: Callable[[], None]
    store: ObjectStore
    stores: Mapping[str, ResultStore]
    warm: WarmParent
    broker: Broker
    tokens: Capabilities
    generators: Sequence[CodeGenerator]
    finders: Sequence[DidFinder]
    datasets: DatasetService
    results: ResultService
    transforms: TransformService
    live: LiveStates
    notices: Notices
    accounts: AccountService
    api_tokens: ApiTokenService
    sign_ins: SignInService
    device_codes: DeviceCodeService
    audit_log: AuditLog
    identity_providers: Sequence[IdentityProvider]
    launcher: Launcher | None = field(default=None)
    controller: Controller | None = field(default=None)
    sender: NoticeSender | None = field(default=None)

    @property
    def transformers(self) -> Launcher | None:
        """What knows of the transformers: this process's launcher or, beside controllers, one that only looks."""
        return self.launcher or self._observer

    @cached_property
    def _observer(self) -> Launcher | None:
        return choices.cluster_launcher(self.settings)

    def workers(self, request_id: str) -> WorkersStatus | None:
        """What the workers of a transform do; None if it has none."""
        return self.transformers.status(request_id) if self.transformers else None

    def logs(self, request_id: str, tail: int) -> str:
        """The last lines that they printed."""
        return self.transformers.logs(request_id, tail) if self.transformers else ""

    def depth(self, request_id: str) -> int | None:
        """How many files wait in the queue of a transform; None if it has no queue. Raises Unavailable."""
        return self.broker.depth(work_queue(request_id))

    def health(self) -> Health:
        """What can be asked how it is."""
        checks = {"database": Check(self.transactions.ping, needed=True), "broker": Check(self.broker.ping)}
        if self.settings.TRANSFORMER_MANAGER_ENABLED:
            checks["cluster"] = Check(lambda: self.transformers.health() if self.transformers else "")
        return Health(checks)

    def services(self) -> Services:
        """What the API is handed."""
        settings = self.settings
        return Services(
            accounts=self.accounts, transforms=self.transforms, datasets=self.datasets, results=self.results,
            workers=self.workers, device_codes=self.device_codes,
            finder_reports=FinderReports(self.transactions, self.datasets, settings.LOOKUP_ATTEMPTS,
                                         FAILED_LOOKUP_PAUSE, self.wake),
            transformer_reports=TransformerReports(self.transactions, self.results, self.wake,
                                                   self.store.delete_object),
            slack_signed=choices.slack_signed(settings),
            slack_clicks=SlackClicks(self.transactions, self.accounts, self.notices, settings.SLACK_RESPONSE_URL),
            capabilities=self.tokens, open_callbacks=settings.OPEN_INTERNAL_ROUTES,
            credentials=choices.client_credentials(settings, self.store), public_endpoint=settings.MINIO_PUBLIC_URL,
            public_secured=settings.MINIO_ENCRYPT_PUBLIC, app_version=app_version(),
            logs=self.logs, health=self.health(), live=self.live,
            heartbeat=settings.STREAM_HEARTBEAT_SECONDS,
            log_url=settings.LOGS_URL or None, generator_urls=choices.generator_urls(settings, self.generators))

    def start_alone(self) -> None:
        """Start workers and controller in this process, which must be the only server on its database."""
        control = ControlService(self.transactions)
        control.take_over()
        self.datasets.forget_lookups()
        self._start(control)

    def start_controller(self) -> None:
        """Start a controller in this process, beside others and beside those that answer requests.

        Raises InvalidSettings on an engine, with queues or with a secret that processes cannot share.
        """
        if self.engine.dialect.name != "postgresql" or not self.settings.RABBIT_MQ_URL:
            raise InvalidSettings("A controller of its own needs PostgreSQL (SQLALCHEMY_DATABASE_URI) and RabbitMQ "
                                  "(RABBIT_MQ_URL); without them, `servicex-app up` runs everything in one process.")
        if not self.settings.SECRET_KEY:
            raise InvalidSettings("A controller of its own needs SECRET_KEY, the same as the processes that answer "
                                  "requests: the addresses that finders and transformers call are signed with it.")
        self._start(ControlService(self.transactions))

    def _start(self, control: ControlService) -> None:
        settings = self.settings
        self.launcher = choices.launcher(settings, self.broker, self.stores, self.warm, self.results)
        steps = TransformSteps(control, self.results, self.broker, self.launcher, self.stores,
                               partial(choices.transformer_endpoint, settings, self.tokens), _limits(settings),
                               KillAccounting(KillService(self.transactions), self.results, settings.MAX_ATTEMPTS))
        wakeup = self.wake if isinstance(self.wake, Wakeup) else WakeListener(self.engine)
        self.controller = Controller(control, self.datasets, self.results, steps, wakeup,
                                     settings.CONTROLLER_SECONDS, settings.LOOKUP_SECONDS + LOOKUP_GRACE,
                                     settings.LOOKUP_ATTEMPTS)
        self.controller.start()
        self.start_sender()

    def start_sender(self) -> None:
        """Start to send notices in this process; the controller need not run."""
        wakeup = self.wake_sender if isinstance(self.wake_sender, Wakeup) else WakeListener(self.engine)
        self.sender = NoticeSender(NoticeService(self.transactions), choices.notifiers(self.settings), wakeup,
                                   self.settings.CONTROLLER_SECONDS)
        self.sender.start()

    def close(self) -> None:
        """Stop all that was started."""
        started: list[Closable | None] = [self.live, self.controller, self.sender, self.launcher, *self.finders,
                                          *self.generators, self.broker, self.warm]
        for part in started:
            if part is not None:
                part.close()


def build(settings: Settings, engine: Engine) -> Parts:
    """Wire the parts of a server. Nothing is started or connected to yet. Raises InvalidSettings."""
    choices.check(settings)
    transactions = Transactions(engine)
    wake: Callable[[], None] = Wakeup()
    # An event of its own, since one that two wait for wakes but one of them. PostgreSQL tells all who listen.
    wake_sender: Callable[[], None] = Wakeup()
    if engine.dialect.name == "postgresql":
        wake = wake_sender = WakeSender(engine)
    warm = WarmParent((*PRELOAD, "servicex.codegen.child", "vector"))
    broker, tokens = choices.broker(settings), choices.capabilities(settings)
    generators = choices.code_generators(settings, warm, app_version())
    datasets = _datasets(settings, transactions, wake)
    finders = choices.did_finders(settings, datasets, broker, tokens)
    for finder in finders:
        datasets.add_finder(finder)
    store = choices.object_store(settings)
    stores = choices.result_stores(settings, store)
    transforms = TransformService(
        transactions, datasets, generators, list(stores), settings.MAX_SELECTION_BYTES, app_version(), wake,
        partial(choices.deliverable_formats, settings), choices.image_check(settings))
    notices = Notices(list(choices.notifiers(settings)), settings.DOCS_BASE_URL, wake_sender)
    accounts = AccountService(transactions, notices, settings.JWT_ADMIN)
    return Parts(settings, engine, transactions, wake, wake_sender, store, stores, warm, broker, tokens, generators,
                 finders, datasets, ResultService(transactions, wake), transforms,
                 LiveStates(transactions, settings.MOST_STREAMS), notices, accounts,
                 ApiTokenService(transactions), choices.sign_ins(settings, transactions, accounts),
                 DeviceCodeService(transactions), AuditLog(transactions), choices.identity_providers(settings))


def make_default_users(settings: Settings, transactions: Transactions) -> None:
    """Make the accounts that DEFAULT_USERS_FILE names and that are not there. Raises InvalidSettings.

    Nobody is told of them: who runs the server made them.
    """
    accounts = AccountService(transactions, Notices(), settings.JWT_ADMIN)
    DefaultUsers(transactions, accounts).make(default_users.read(settings.DEFAULT_USERS_FILE))


def _datasets(settings: Settings, transactions: Transactions, wake: Callable[[], None]) -> DatasetService:
    allowed = [Path(path).absolute() for path in settings.ALLOWED_PATHS]
    return DatasetService(transactions, settings.DID_FINDER_DEFAULT_SCHEME,
                          partial(check_file_list, allowed_paths=allowed), partial(choices.lookup_lifetime, settings),
                          wake, silence=settings.LOOKUP_SECONDS + LOOKUP_GRACE)


def _limits(settings: Settings) -> Limits:
    workers = Workers(settings.WORKERS)
    if settings.TRANSFORMER_MANAGER_ENABLED:
        workers = Workers(settings.TRANSFORMER_MAX_REPLICAS, settings.TRANSFORMER_MIN_REPLICAS,
                          settings.TRANSFORMER_AUTOSCALE_ENABLED)
    return Limits(workers=workers, publish_chunk=settings.PUBLISH_CHUNK, publish_ahead=settings.PUBLISH_AHEAD,
                  stall_seconds=settings.STALL_SECONDS, stall_rounds=settings.STALL_ROUNDS,
                  transform_seconds=settings.TRANSFORM_SECONDS, active=settings.MAX_ACTIVE_TRANSFORMS)
