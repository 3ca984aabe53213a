"""Databases as the releases of 2022 and 2024 leave them, on both engines, with what such servers have in them."""
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg2

OLD = Path(__file__).parent / "old"
RELEASES = ("2022", "2024")
MANY = "2022a000-0000-4000-8000-000000000099"


def fill(url: str, release: str) -> None:
    """Make the tables of a release in an empty database, and put its data there."""
    engine = "postgresql" if url.startswith("postgresql") else "sqlite"
    run(url, *((OLD / name).read_text() for name in (f"tables_{release}_{engine}.sql", f"data_{release}.sql")))


def run(url: str, *scripts: str) -> None:
    """Run SQL in a database."""
    if url.startswith("postgresql"):
        with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection, connection.cursor() as cursor:
            for script in scripts:
                cursor.execute(script)
            connection.commit()
    else:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            for script in scripts:
                file.executescript(script)


def many_results(count: int) -> Sequence[str]:
    """A file and a result for each of so many numbers, of a transform of its own, number 99, in a database of 2022."""
    files = ", ".join(f"({n}, '{MANY}', NULL, {n}, 1, 'root://one//{n}.root')" for n in range(1000, 1000 + count))
    results = ", ".join(f"({n}, 'rucio://many', {n}, 'root://one//{n}.root', '{MANY}', 'success', 1, 1, 1, 1, 0)"
                        for n in range(1000, 1000 + count))
    return (
        "INSERT INTO requests (id, request_id, submit_time, finish_time, did, result_destination, result_format,"
        f" workflow_name, files, status) VALUES (99, '{MANY}', '2022-03-01 10:00:00', '2022-03-01 11:00:00',"
        f" 'rucio://many', 'object-store', 'root-file', 'w', {count}, 'Complete')",
        f"INSERT INTO files VALUES {files}", f"INSERT INTO transform_result VALUES {results}")
