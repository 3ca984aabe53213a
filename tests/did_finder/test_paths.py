"""Elements of file lists."""
import os
import time
from pathlib import Path

import pytest

from servicex.backends.did_finder.paths import check_file_list, check_replicas
from servicex.errors import InvalidDataset

URLS = ("root://eospublic.cern.ch//eos/a.root", "root://h:1094//d/b,c.root", "https://h/a%20b.root",
        "http://h:81/a.root?x=1", "root://user@h//a:b.root", "root://[::1]:1094//a.root")


@pytest.mark.parametrize("url", URLS)
def test_urls_are_taken_as_they_are(url: str, data: Path) -> None:
    assert check_replicas(url, [data]) == (url,)


def test_replicas_are_split_only_where_a_url_begins(data: Path) -> None:
    entry = f"{data}/a,b.root,root://h//c,d.root, https://h/e.root,file://{data}/f, g.root,root://h//c,d.root"
    assert check_replicas(entry, [data]) == (
        f"{data}/a,b.root", "root://h//c,d.root", "https://h/e.root", f"{data}/f, g.root")


@pytest.mark.parametrize("name", [
    "a b.root", "a,b.root", "a:b.root", "100%25.root", "é ü.root", "日本.root", "a#b?c.root", "[x]*.root",
    "a'\"$(id);b.root", " a.root ", "~/a.root", "a//b/./c.root"])
def test_odd_local_names_are_taken_as_files(name: str, data: Path) -> None:
    expected = (os.path.normpath(f"{data}/{name}"),)
    assert check_replicas(name, [data]) == expected
    assert check_replicas(f"{data}/{name}", [data]) == expected
    assert check_replicas(f"file://{data}/{name}", [data]) == expected
    assert check_replicas(f"file://{name}", [data]) == expected


@pytest.mark.parametrize("entry, words", [
    ("", "empty"), ("  ", "empty"), ("a\0b", "control"), ("a\nb", "control"), ("root://h//a\x7f", "control"),
    ("\ud800.root", "UTF-8"), ("x" * 4097, "4097"), (None, "NoneType"), (5, "int"), (["a"], "list"),
    ("../a.root", "'..'"), ("a/../b.root", "'..'"), ("/etc/passwd", "outside"), ("file:///etc/passwd", "outside"),
    ("file://", "empty"), ("//etc/passwd", "outside"), ("a::b.root", "'::'"),
    ("simplecache::file:///etc/passwd", "'::'"), ("https://h/a.root::file:///etc/passwd", "'::'"),
    ("/dev/zero", "outside"),
    ("ftp://h/a.root", "root://"), ("xrootd://root://h//a.root", "root://"), ("davs://h/a.root", "root://"),
    ("roots://h//a.root", "root://"), ("s3://b/a.root", "root://"), ("root:///a.root", "complete"),
    ("https://h", "complete"), ("https://h:port/a.root", "not a URL"), ("https://[::1/a.root", "not a URL"),
    ("root://h//a.root,ftp://h/a.root", "ftp"), ("root://h//a.root,/etc/passwd,file:///etc/passwd", "outside"),
])
def test_what_cannot_be_read_is_refused_with_the_reason(entry: object, words: str, data: Path) -> None:
    with pytest.raises(InvalidDataset, match="cannot be used|must be text") as error:
        check_replicas(entry, [data])
    assert words in error.value.message


def test_the_error_names_the_element_and_the_allowed_directories(data: Path) -> None:
    with pytest.raises(InvalidDataset) as error:
        check_file_list([str(data / "a.root"), "/etc/passwd"], [data])
    assert "File 2" in error.value.message
    assert "/etc/passwd" in error.value.message
    assert str(data) in error.value.message


def test_a_name_that_only_begins_like_an_allowed_directory_is_outside(data: Path) -> None:
    with pytest.raises(InvalidDataset, match="outside"):
        check_replicas(f"{data}2/a.root", [data])


def test_links_are_judged_by_where_they_lead(data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.root").touch()
    (data / "real.root").touch()
    (data / "inner.root").symlink_to(data / "real.root")
    (data / "outer.root").symlink_to(outside / "x.root")
    (data / "folder").symlink_to(outside)
    assert check_replicas("inner.root", [data]) == (f"{data}/inner.root",)
    for name in ("outer.root", "folder/x.root", "folder/new.root"):
        with pytest.raises(InvalidDataset, match="outside"):
            check_replicas(name, [data])


def test_an_allowed_directory_may_itself_be_a_link(data: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(data)
    assert check_replicas("a.root", [link]) == (f"{link}/a.root",)
    assert check_replicas(f"{data}/a.root", [link]) == (f"{data}/a.root",)


def test_what_exists_must_be_a_file_and_what_does_not_may_come(data: Path) -> None:
    (data / "folder").mkdir()
    os.mkfifo(data / "pipe")
    assert check_replicas("missing/missing.root", [data])
    with pytest.raises(InvalidDataset, match="directory"):
        check_replicas("folder", [data])
    with pytest.raises(InvalidDataset, match="regular"):
        check_replicas("pipe", [data])


def test_a_server_without_allowed_paths_reads_urls_only() -> None:
    assert check_replicas("root://h//a.root", []) == ("root://h//a.root",)
    with pytest.raises(InvalidDataset, match="no local files"):
        check_replicas("/tmp/a.root", [])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.1", "2130706433",
                                  "0x7f.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]",
                                  "0.0.0.0"])
def test_private_hosts_can_be_refused(host: str) -> None:
    url = f"http://{host}/a.root"
    assert check_replicas(url, []) == (url,)
    with pytest.raises(InvalidDataset, match="private address"):
        check_replicas(url, [], allow_private_hosts=False)


@pytest.mark.parametrize("host", ["eospublic.cern.ch", "8.8.8.8", "[2001:4860:4860::8888]", "localhost.cern.ch"])
def test_public_hosts_are_not_refused(host: str) -> None:
    assert check_replicas(f"http://{host}/a.root", [], allow_private_hosts=False)


def test_a_long_list_is_checked_quickly(data: Path) -> None:
    local = [f"{data}/run{number % 1000}/file{number}.root" for number in range(20_000)]
    remote = [f"root://eos.cern.ch//eos/run{number % 1000}/file{number}.root" for number in range(20_000)]
    begin = time.process_time()
    assert len(check_file_list(local + remote, [data])) == 40_000
    assert time.process_time() - begin < 2, "220,000 files would take above ten seconds"
