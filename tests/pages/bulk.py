"""Databases of three sizes, filled in seconds: what pages show of nothing, of a little, and of very much.

No row here is the controller's: a server that starts on such a database leaves it as it is.
"""
import hashlib
import io
import json
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import Engine

BATCH = 20_000
LARGE_FILES, LARGE_FAILURES = 220_000, 5_000
HALF_DONE_FILES = 2_000
SELECTION = ("(call Select (call Where (call EventDataset) (lambda (list e) (> (attr e 'MET_pt') 25))) "
             "(lambda (list e) (dict (list 'pt' 'eta') (list (attr e 'Muon_pt') (attr e 'Muon_eta')))))")
ADMIN_EMAIL = "ada@example.org"
# Who may sign in; `ada` is the administrator. Of the transforms `bob` has the most.
PEOPLE = ("ada", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")
ENDED = ("complete", "fatal", "canceled", "bad_dataset")
EVENTS_A_FILE = 40_000


class Size(Enum):
    """How many transforms there are. With MANY, one of them has 220,000 files."""

    NONE = 0
    FEW = 50
    MANY = 100_000


@dataclass(frozen=True)
class Cause:
    """Why files fail, as transformers report it: `message` and `log` may name the file, and how often they did."""

    error_class: str
    message: str
    share: int
    log: str = ""


CAUSES = (
    Cause("KeyInFileError", "not found: 'Muon_pt' (with any cycle number) Available keys: 'Events;1', 'Runs;1' "
                            "in file {path}", 1900, "opening {path}\nreading branch Muon_pt of tree Events"),
    Cause("FileNotFoundError", "[Errno 2] No such file or directory: '{path}'", 1200),
    Cause("OSError", "[FATAL] Auth failed: No protocols left to try while opening {path}", 600),
    Cause("TimeoutError", "File did not open properly: [ERROR] Operation expired after {number} s: {path}", 400),
    Cause("MemoryLimitExceeded", "the program asked for more memory than a worker may have: Unable to allocate "
                                 "{number}.2 GiB for an array with shape ({number}000,)", 300,
          "reading 40000 events\nconcatenating {number} baskets"),
    Cause("WorkerDied", "The worker process ended by signal 11 (SIGSEGV).", 200, "*** segmentation violation"),
    Cause("DeadlineExceeded", "The file was not done within 600 s.", 150, "events done: {number}"),
    Cause("zlib.error", "Error -3 while decompressing data: incorrect data check", 100),
    Cause("ZeroDivisionError", "division by zero", 80, "run {number}: empty luminosity block"),
    Cause("ValueError", "basket {number} in tree/branch /Events;1:Jet_pt has the wrong number of bytes", 40),
    Cause("DiskFull", "No space is left on the disk that holds the results.", 20),
    Cause("LostFile", "No worker ever reported on this file, though it was handed out 3 times.", 10),
)


@dataclass(frozen=True)
class Bulk:
    """What a database was filled with. `large` and `half_done` are request ids; empty where there is none.

    `large` has ended, with 5,000 of its 220,000 files failed in 12 ways; `half_done` is `bob`'s and runs.
    """

    url: str
    size: Size
    large: str = ""
    half_done: str = ""


def fill(engine: Engine, size: Size, transforms: int | None = None) -> Bulk:
    """Fill a migrated, empty database; with another number of transforms if asked for."""
    count = size.value if transforms is None else transforms
    url = engine.url.render_as_string(hide_password=False)
    tables = Tables(engine)
    try:
        tables.put("users", USER_COLUMNS, users())
        if not count:
            return Bulk(url, size)
        made = Filling(count, large=size is Size.MANY)
        for name, columns, rows in made.tables():
            tables.put(name, columns, rows)
        return Bulk(url, size, request_id(1) if made.large else "", request_id(2))
    finally:
        tables.close()


class Tables:
    """Writes rows past SQLAlchemy: by COPY into PostgreSQL, by executemany into SQLite."""

    def __init__(self, engine: Engine):
        self._copies = engine.dialect.name == "postgresql"
        self._connection: Any = engine.raw_connection()
        if self._copies:
            # To check each foreign key takes longer than all the rest.
            self._connection.cursor().execute("SET session_replication_role = replica")

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write the rows, whose first column is their number."""
        cursor = self._connection.cursor()
        write = self._copy if self._copies else self._insert
        for batch in batches(rows):
            write(cursor, table, columns, batch)
        if self._copies and columns[0] == "id":
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                           f"(SELECT coalesce(max(id), 0) + 1 FROM {table}), false)")

    def _copy(self, cursor: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO("".join("\t".join(map(as_text, row)) + "\n" for row in rows))
        cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", text)

    def _insert(self, cursor: Any, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join("?" for _ in columns)
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def close(self) -> None:
        """Commit, and let the planner know what is there, as a database at work finds out by itself."""
        self._connection.commit()
        if self._copies:
            self._connection.cursor().execute("SET session_replication_role = DEFAULT")
        self._connection.cursor().execute("ANALYZE")
        self._connection.commit()
        self._connection.close()


def batches(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """The rows, many at a time."""
    batch: list[Sequence[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def as_text(value: Any) -> str:
    """A value as COPY reads it."""
    if value is None:
        return "\\N"
    if not isinstance(value, str):
        return str(value)
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def stamp(time: datetime | None) -> str | None:
    """A time as both engines take it: without its zone, with all digits that SQLAlchemy expects of SQLite."""
    return time.replace(tzinfo=None).isoformat(" ", "microseconds") if time else None


@cache
def request_id(number: int) -> str:
    """The request id of the transform of that number."""
    return str(uuid.UUID(bytes=hashlib.md5(str(number).encode(), usedforsecurity=False).digest(), version=4))


USER_COLUMNS = ("id", "admin", "created_at", "email", "experiment", "institution", "name", "pending", "sub",
                "updated_at", "verified_email")


def users() -> Iterator[Sequence[Any]]:
    """The people, in their order from number 1 on."""
    then = stamp(datetime.now(UTC) - timedelta(days=400))
    for number, sub in enumerate(PEOPLE, 1):
        email = f"{sub}@example.org"
        yield (number, email == ADMIN_EMAIL, then, email, "CMS", "Institute of Examples", sub.capitalize(), False, sub,
               then, email)


DATASET_COLUMNS = ("id", "name", "did_finder", "n_files", "size", "events", "last_used", "last_updated",
                   "lookup_status", "is_stale", "lookup_message", "lookup_attempts")
FILE_COLUMNS = ("id", "dataset_id", "adler32", "file_size", "file_events", "paths", "paths_hash")
REQUEST_COLUMNS = (
    "id", "request_id", "title", "submit_time", "finish_time", "did", "did_id", "selection", "tree_name", "image",
    "workers", "result_destination", "result_format", "submitted_by", "files", "files_completed", "files_failed",
    "total_events", "total_bytes", "total_time", "min_time", "max_time", "did_lookup_time", "generated_code_cm",
    "status", "failure_description", "app_version", "code_gen_image", "codegen", "transformer_language",
    "transformer_command", "last_result_at", "deleted_at")
RESULT_COLUMNS = (
    "id", "did", "file_id", "file_path", "request_id", "transform_status", "transform_time", "total_events",
    "total_bytes", "avg_rate", "created_at", "s3_object_name", "object_size", "attempts", "host", "error_class",
    "error_message", "log")
EVENT_COLUMNS = ("id", "file_id", "request_id", "status", "timestamp", "pod_name", "info")


@dataclass(frozen=True)
class Detailed:
    """A transform whose files and results are there: `files` of them, from the number `first_file` on."""

    number: int
    dataset_id: int
    files: int
    first_file: int
    reported: int
    failed: int
    until: datetime
    seconds: float

    def created_at(self, place: int) -> datetime:
        """When the result on the file of that place came; each later than the one before."""
        left = (self.reported - 1 - place) * self.seconds / max(1, self.reported)
        return self.until - timedelta(seconds=left)


class Filling:
    """The rows of all tables but `users`, the same ones each time but for times, which are before now."""

    def __init__(self, count: int, large: bool):
        self.large = large
        self._count = count
        self._now = datetime.now(UTC)
        self._datasets = max(4, min(2000, count // 10))
        self._event_id = 0
        large_one = Detailed(1, 1, LARGE_FILES, 1, LARGE_FILES, LARGE_FAILURES, self._now - timedelta(hours=1), 9000)
        half = Detailed(2, 2, HALF_DONE_FILES, LARGE_FILES + 1, 1200, 30, self._now - timedelta(seconds=2), 600)
        self._detailed = [large_one, half] if large else [half]

    def tables(self) -> Iterator[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]:
        """Tables, their columns and their rows, in an order that foreign keys allow."""
        yield "datasets", DATASET_COLUMNS, self._dataset_rows()
        yield "files", FILE_COLUMNS, self._file_rows()
        yield "requests", REQUEST_COLUMNS, self._request_rows()
        yield "transform_result", RESULT_COLUMNS, self._result_rows()
        yield "file_status", EVENT_COLUMNS, self._event_rows()

    def _did(self, dataset_id: int) -> str:
        return f"rucio://user.{PEOPLE[dataset_id % len(PEOPLE)]}:mc23_13p6TeV.{dataset_id:06}.Zmumu.deriv.DAOD_PHYSLITE"

    def _dataset_rows(self) -> Iterator[Sequence[Any]]:
        sizes = {d.dataset_id: d.files for d in self._detailed}
        for number in range(1, self._datasets + 1):
            files = sizes.get(number, 1 + number * 37 % 4000)
            then = self._now - timedelta(days=number * 300 / self._datasets + 0.1)
            yield (number, self._did(number), "rucio", files, files * 900_000_000, files * EVENTS_A_FILE,
                   stamp(min(self._now, then + timedelta(days=3))), stamp(then), "complete", number % 50 == 9, None, 1)

    def _file_rows(self) -> Iterator[Sequence[Any]]:
        for detailed in self._detailed:
            for place in range(detailed.files):
                number, paths = detailed.first_file + place, self._paths(detailed, place)
                yield (number, detailed.dataset_id, f"{place:08x}", 900_000_000 + place, EVENTS_A_FILE + place % 1000,
                       json.dumps(paths), f"{number:064x}")

    def _paths(self, detailed: Detailed, place: int) -> list[str]:
        name = f"mc23_13p6TeV/DAOD_PHYSLITE.{detailed.dataset_id:06}._{place:06}.pool.root.1"
        return [f"root://fax.mwt2.example.org:1094//pnfs/uc/atlasdatadisk/rucio/{name}",
                f"https://dcache.desy.example.org:2880/atlas/{name}"]

    def _request_rows(self) -> Iterator[Sequence[Any]]:
        detailed = {d.number: d for d in self._detailed}
        for number in range(1, self._count + 1):
            found = detailed.get(number)
            yield self._detailed_request(found) if found else self._request(number)

    def _request(self, number: int) -> Sequence[Any]:
        """A transform, older the lower its number. Those that have not ended are among the newest, as they are."""
        age = timedelta(days=365) * (1 - number / (self._count + 1)) + timedelta(seconds=30)
        submitted = self._now - age
        status = self._status(number)
        files = 1 + number * 7 % 900 if status not in ("submitted", "pending_lookup", "bad_dataset") else 0
        done = {"complete": files, "fatal": 0, "lookup": 0}.get(status, files * (number % 10) // 10)
        failed = files if status == "fatal" else min(files - done, files // 50)
        took = timedelta(seconds=20 + number % 5000)
        finished = min(self._now, submitted + took) if status in ENDED else None
        deleted = self._now if status in ENDED and number % 100 == 7 else None
        return self._row(number, 1 + number % self._datasets, self._owner(number), submitted, finished, status,
                         (files, done, failed), took.total_seconds(), deleted)

    def _status(self, number: int) -> str:
        if number > self._count - max(12, self._count // 2000):
            return ("running", "running", "lookup", "running", "submitted", "pending_lookup")[number % 6]
        return {3: "fatal", 8: "canceled", 13: "bad_dataset"}.get(number % 20, "complete")

    def _owner(self, number: int) -> int | None:
        if number % 5 == 0:
            return 2
        return None if number % 97 == 0 else 1 + number % len(PEOPLE)

    def _detailed_request(self, one: Detailed) -> Sequence[Any]:
        finished = one.until if one.reported == one.files else None
        counts = (one.files, one.reported - one.failed, one.failed)
        return self._row(one.number, one.dataset_id, 2, one.until - timedelta(seconds=one.seconds + 12), finished,
                         "complete" if finished else "running", counts, one.seconds, None, one.until)

    def _row(self, number: int, dataset_id: int, owner: int | None, submitted: datetime, finished: datetime | None,
             status: str, counts: tuple[int, int, int], seconds: float, deleted: datetime | None,
             last: datetime | None = None) -> Sequence[Any]:
        files, done, failed = counts
        reported = done + failed
        title = None if number % 11 == 4 else f"{('Zmumu', 'ttbar', 'Higgs to bb', 'W+jets')[number % 4]} {number // 4}"
        why = {"fatal": "KeyInFileError: not found: 'Muon_pt' (with any cycle number)",
               "bad_dataset": "The DID is not known to Rucio."}.get(status)
        name = request_id(number)
        return (number, name, title, stamp(submitted), stamp(finished), self._did(dataset_id), dataset_id, SELECTION,
                "Events", "sslhep/servicex_func_adl_uproot_transformer:develop", None, "object-store", "parquet", owner,
                files, done, failed, done * EVENTS_A_FILE, done * 2_500_000, reported * 12.5, 4.2 if reported else None,
                61.0 if reported else None, 8, f"{name}-generated-source", status, why, "2.0.0",
                "sslhep/servicex_code_gen_func_adl_uproot:develop", "uproot", "python", "/generated/transform.py",
                stamp(last or (submitted + timedelta(seconds=seconds) if reported else None)), stamp(deleted))

    def _result_rows(self) -> Iterator[Sequence[Any]]:
        number = 0
        for one in self._detailed:
            causes = self._causes(one)
            for place in range(one.reported):
                number += 1
                yield self._result(number, one, place, causes.get(place))

    def _result(self, number: int, one: Detailed, place: int, cause: Cause | None) -> Sequence[Any]:
        path = self._paths(one, place)[0]
        took = 4 + (place * 7919 % 1000) ** 2 / 20_000
        events = 0 if cause else EVENTS_A_FILE + place % 1000
        size = None if cause else 2_000_000 + place * 31 % 1_000_000
        name = None if cause else f"{one.number}_{place:06}.parquet"
        log = cause.log.format(path=path, number=place % 90 + 1) if cause else None
        return (number, self._did(one.dataset_id), one.first_file + place, path, request_id(one.number),
                "failure" if cause else "success", took, events, size or 0, events / took, stamp(one.created_at(place)),
                name, size, attempts(cause), host(place), cause.error_class if cause else None,
                cause.message.format(path=path, number=place % 90 + 1) if cause else None, log)

    def _causes(self, one: Detailed) -> dict[int, Cause]:
        """The files that fail, by their place, each with its cause: in the shares of `CAUSES`."""
        shares = [cause for cause in CAUSES for _ in range(cause.share)]
        chosen = random.Random(one.number)
        places = chosen.sample(range(one.reported), one.failed)
        causes = shares if one.failed == len(shares) else chosen.choices(shares, k=one.failed)
        return dict(zip(places, causes, strict=True))

    def _event_rows(self) -> Iterator[Sequence[Any]]:
        for one in self._detailed:
            causes = self._causes(one)
            # Of very many only those of the failures: the others would double the time that filling takes.
            for place in causes if one.reported > HALF_DONE_FILES else range(one.reported):
                yield from self._events(one, place, causes.get(place))

    def _events(self, one: Detailed, place: int, cause: Cause | None) -> Iterator[Sequence[Any]]:
        """What happened to a file: begun, perhaps tried again, and finished or failed."""
        ended = one.created_at(place)
        yield self._event(one, place, "start", ended - timedelta(seconds=12), "")
        trace = self._trace(one, place, cause) if cause else ""
        if attempts(cause) > 1:
            yield self._event(one, place, "retry", ended - timedelta(seconds=6), trace)
        yield self._event(one, place, "failure" if cause else "finish", ended, trace)

    def _event(self, one: Detailed, place: int, status: str, at: datetime, info: str) -> Sequence[Any]:
        self._event_id += 1
        return (self._event_id, one.first_file + place, request_id(one.number), status, stamp(at), host(place),
                info or None)

    def _trace(self, one: Detailed, place: int, cause: Cause) -> str:
        message = cause.message.format(path=self._paths(one, place)[0], number=place % 90 + 1)
        head = f"{cause.error_class}: {message}"
        return (f"{head}\nTraceback (most recent call last):\n"
                f"  File \"/generated/transform.py\", line 14, in run_query\n    events = tree.arrays()\n{head}")


def attempts(cause: Cause | None) -> int:
    """How often a file was tried: what may pass by itself, several times."""
    return 3 if cause and cause.error_class in ("OSError", "TimeoutError", "WorkerDied", "LostFile") else 1


def host(place: int) -> str:
    """Which of the workers had a file."""
    return f"transformer-7f9c-{place * 13 % 120:03}"
