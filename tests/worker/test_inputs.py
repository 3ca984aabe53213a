"""Which replica is read, where, and when."""
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.did_finder.http_server import AnsweringServer
from tests.did_finder.xrootd_server import running_xrootd
from tests.transformer.conftest import QUERY, write_events
from tests.worker.site import Site, eventually, nowhere, web_server

# Tells where it reads from, and fails.
TELLS = """
def run_query(tree):
    path = tree.file.file_path
    raise ValueError(f"read from {path} {'as a copy' if path.startswith('/') else 'in place'}")
"""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_events(tmp_path_factory.mktemp("content") / "events.root", 10).read_bytes()


def asked(server: AnsweringServer) -> list[tuple[str, bool]]:
    """The files that were asked for, in order, each time with whether it was asked for whole."""
    return [(request.path, "range" not in request.headers) for request in list(server.asked)]


def test_next_input_is_fetched_while_one_is_transformed(make_site: Callable[..., Site], content: bytes) -> None:
    first = threading.Event()
    with web_server({"/1.root": content, "/2.root": content, "/3.root": content}, {"/1.root": first}) as web:
        site = make_site()
        site.publish([f"{web.url}/{number}.root" for number in (1, 2, 3)])
        site.start()
        # The first file is not even open, and no third message is taken.
        eventually(lambda: ("/2.root", True) in asked(web))
        time.sleep(0.5)
        assert {path for path, _ in asked(web)} == {"/1.root", "/2.root"}
        first.set()
        reports = site.reported(3)
        eventually(site.drained)
    assert {r["status"] for r in reports} == {"success"}
    assert [r["file-path"] for r in sorted(reports, key=lambda r: r["file-id"])] == [
        f"{web.url}/{number}.root" for number in (1, 2, 3)]
    assert [path for path, whole in asked(web) if path == "/2.root"] == ["/2.root"], "fetched once, and read here"
    assert not list(site.folder.rglob("*.prefetched"))


def test_large_inputs_are_read_in_place(make_site: Callable[..., Site], content: bytes) -> None:
    with web_server({"/1.root": content, "/2.root": content}) as web:
        site = make_site()
        site.publish([f"{web.url}/1.root", f"{web.url}/2.root"])
        site.start(PREFETCH_BYTES=str(len(content) - 1))
        assert {r["status"] for r in site.reported(2)} == {"success"}
        assert [path for path, whole in asked(web) if path == "/2.root" and not whole]


def test_nothing_is_fetched_where_that_is_switched_off(make_site: Callable[..., Site], content: bytes) -> None:
    with web_server({"/1.root": content, "/2.root": content}) as web:
        site = make_site()
        site.publish([f"{web.url}/1.root", f"{web.url}/2.root"])
        site.start(PREFETCH_BYTES="0")
        assert {r["status"] for r in site.reported(2)} == {"success"}
        assert not [path for path, whole in asked(web) if whole]


def test_input_that_cannot_be_fetched_fails_in_its_own_name(make_site: Callable[..., Site], content: bytes) -> None:
    with web_server({"/1.root": content, "/2.root": content[:600]}) as web:
        site = make_site()
        site.publish([f"{web.url}/1.root", f"{web.url}/2.root", f"{web.url}/none.root"])
        site.start(MAX_ATTEMPTS="1")
        reports = {r["file-id"]: r for r in site.reported(3)}
    assert [reports[number]["status"] for number in (1, 2, 3)] == ["success", "failure", "failure"]
    assert "is cut off: it has 600 bytes" in reports[2]["error"]["message"]
    assert str(site.folder) not in reports[2]["error"]["message"]


@pytest.fixture(scope="module")
def xrootd(content: bytes) -> Iterator[str]:
    with running_xrootd() as server:
        for name in ("1.root", "2.root", "3.root"):
            (server.files / name).write_bytes(content)
        yield server.url


def test_input_on_an_xrootd_server_is_fetched_too(make_site: Callable[..., Site], xrootd: str) -> None:
    site = make_site(TELLS)
    urls = [f"{xrootd}/{number}.root" for number in (1, 2)]
    site.publish(urls)
    site.start(MAX_ATTEMPTS="1")
    reports = {r["file-id"]: r["error"]["message"] for r in site.reported(2)}
    assert reports == {1: f"read from {urls[0]} in place", 2: f"read from {urls[1]} as a copy"}


def test_replicas_on_web_servers_come_last(make_site: Callable[..., Site], content: bytes, xrootd: str,
                                           tmp_path: Path) -> None:
    with web_server({"/1.root": content}) as web:
        site = make_site(QUERY)
        site.publish([(f"{web.url}/1.root", f"root://{nowhere()}//1.root", f"{xrootd}/1.root")])
        site.start()
        (report,) = site.reported(1)
        assert (report["status"], report["file-path"]) == ("success", f"{xrootd}/1.root")
        assert not web.asked


def test_caches_are_chosen_as_sidecars_do(make_site: Callable[..., Site], xrootd: str) -> None:
    """By the number that the path's SHA-256 is; the report tells the path itself."""
    site = make_site(TELLS)
    cache = xrootd.removeprefix("root://").strip("/")
    hosts = [nowhere(), cache]
    paths = [path for path in ("1.root", "2.root", "3.root")
             if hosts[int(hashlib.sha256(path.encode()).hexdigest(), 16) % 2] == cache]
    assert paths, "one of the three goes to this cache"
    site.publish(paths[:1])
    site.start(TRANSFORMER_CACHE_PREFIX=",".join(hosts), MAX_ATTEMPTS="1")
    (report,) = site.reported(1)
    assert report["file-path"] == paths[0]
    assert f"read from root://{cache}//{paths[0]}" in report["error"]["message"]
