"""A fresh database on each engine, made by migration, and what stands around the services in their tests."""
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from flask import Flask
from flask_migrate import Migrate, upgrade
from sqlalchemy import Engine

from servicex.database import migrations_folder
from servicex.backends.code_generator.base import CodeGenerator, GeneratedCode
from servicex.backends.did_finder.base import DidFinder, FoundFile
from servicex.errors import Unavailable
from servicex.models import TransformRequest, db
from servicex.services.caller import SINGLE_USER
from servicex.services.control import ControlService
from servicex.services.datasets import DatasetService
from servicex.services.results import ResultService
from servicex.services.submissions import OBJECT_STORE, Submission
from servicex.services.transactions import Transactions
from servicex.services.transforms import TransformService


@contextmanager
def migrated(url: str) -> Iterator[Engine]:
    """The engine of a database brought to the newest revision."""
    app = Flask("servicex")
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    Migrate(app, db, directory=migrations_folder(), render_as_batch=True)
    with app.app_context():
        upgrade()
        db.engine.dispose()  # a connection made before `prepare_sqlite` would lack its settings
        yield db.engine
        db.engine.dispose()


class Echo(CodeGenerator):
    """Makes a program that is its selection."""

    def images(self) -> Mapping[str, str]:
        return {"echo": "echo:1"}

    def formats(self, name: str) -> frozenset[str]:
        return frozenset({"root-file", "parquet"})

    def generate(self, name: str, selection: str) -> GeneratedCode:
        return GeneratedCode("echo:1", "python", "/generated/echo.py", {"echo.py": selection.encode()})


class Asked(DidFinder):
    """Finds nothing by itself; remembers what it was asked for, so that a test can play the finder."""

    schemes = frozenset({"test"})

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.goes_on = False
        self.away = False

    def look_up(self, scheme: str, did: str, dataset_id: int) -> None:
        if self.away:
            raise Unavailable("The broker is away.")
        self.asked.append(dataset_id)

    def running(self, dataset_id: int) -> bool:
        return self.goes_on


class House:
    """The services on one database, without anything that runs."""

    def __init__(self, engine: Engine):
        self.woken = 0
        self.transactions = Transactions(engine)
        self.finder = Asked()
        self.datasets = DatasetService(self.transactions, "test", lambda entries: [(entry,) for entry in entries],
                                       lambda scheme: 3600.0, self.wake, silence=60.0)
        self.datasets.add_finder(self.finder)
        self.results = ResultService(self.transactions, self.wake)
        self.transforms = TransformService(self.transactions, self.datasets, [Echo()], [OBJECT_STORE], 1000, "1",
                                           self.wake)
        self.control = ControlService(self.transactions)

    def wake(self) -> None:
        self.woken += 1

    def submit(self, did: str | None = None, files: Sequence[str] | None = None,
               workers: int | None = None) -> TransformRequest:
        """Submit a transform of a DID or of a list."""
        return self.transforms.submit(
            SINGLE_USER, Submission("echo", "x", "root-file", did=did, file_list=files, workers=workers))

    def get(self, transform: TransformRequest) -> TransformRequest:
        """The transform as it is now."""
        return self.transforms.get(SINGLE_USER, transform.request_id)

    def file_ids(self, transform: TransformRequest) -> list[int]:
        """The ids of the files of the transform's dataset."""
        _, files = self.datasets.get(SINGLE_USER, transform.did_id)
        return [f.id for f in files]

    def begin_lookups(self) -> None:
        """Do as the controller does with open look-ups."""
        for dataset_id in self.datasets.open_lookups():
            self.datasets.begin_lookup(dataset_id, seconds=60, attempts=2)


def found(*names: str) -> list[FoundFile]:
    """Files of one replica each."""
    return [FoundFile((name,), file_size=10, file_events=2) for name in names]
