"""Patterns: one name at a time, and whole paths against Python's own glob."""
import glob
import os
import time
from pathlib import Path

import pytest

from servicex.backends.did_finder.allowed_paths import AllowedPaths
from servicex.backends.did_finder.local_files import LocalTree
from servicex.backends.did_finder.patterns import Pattern, split_pattern
from servicex.backends.did_finder.walk import find


@pytest.mark.parametrize("path, base, parts", [
    ("/a/b.root", "/a/b.root", ()),
    ("/a/b/", "/a/b", ()),
    ("/a//b/*.root", "/a/b", ("*.root",)),
    ("/a/x?/c/d.root", "/a", ("x?", "c", "d.root")),
    ("/*", "/", ("*",)),
    ("/a/**", "/a", ("**", "*.root")),
    ("/a/*/", "/a", ("*", "*.root")),
    ("/a/[bc]/d", "/a", ("[bc]", "d")),
])
def test_the_part_without_wildcards_is_split_off(path: str, base: str, parts: tuple[str, ...]) -> None:
    assert split_pattern(path) == (base, parts)


FILES = ("a.root", "a/x.root", "a/y.txt", "a/b/x.root", "a/b/c/x.root", "a.b/x.root", "a-b/x.root", "ab/x1.root",
         "ab/x2.root", "ab/X3.root", "B/x.root", ".h/x.root", "a/.h.root", "z/a/b/a/x.root", "[a]/x.root", "é/x.root",
         "a b/x.root")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("tree")
    for name in FILES:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    return top


@pytest.mark.parametrize("pattern", [
    "*.root", "*/*.root", "a/*", "a*/x.root", "**/*.root", "**/x.root", "a/**/x.root", "**/a/**/x.root", "**/b/*.root",
    "**/**/x*.root", "*/x?.root", "*/x[12].root", "*/x[!1].root", "*/[x-z]*", ".h/*", "a/.*", "[[]a]/*.root",
    "?/*.root", "**/b/**/a/*", "a/b/**/**/*.root", "*/b/x.root", "no*/x.root", "**/no",
])
def test_the_files_of_a_pattern_are_those_of_glob_in_the_order_of_their_paths(tree: Path, pattern: str) -> None:
    base, parts = split_pattern(f"{tree}/{pattern}")
    found = list(find(LocalTree(AllowedPaths([tree])), base, parts))
    expected = {path for path in glob.glob(f"{tree}/{pattern}", recursive=True) if os.path.isfile(path)}
    assert [path for path, _ in found] == sorted(expected)
    assert all(size == os.path.getsize(path) for path, size in found)


def test_a_directory_stands_for_the_root_files_directly_in_it(tree: Path) -> None:
    found = find(LocalTree(AllowedPaths([tree])), f"{tree}/a", ())
    assert [path for path, _ in found] == [f"{tree}/a/x.root"]


def test_double_stars_do_not_multiply_the_work(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 60)
    deep.mkdir(parents=True)
    (deep / "x.root").touch()
    begin = time.process_time()
    found = list(find(LocalTree(AllowedPaths([tmp_path])), str(tmp_path), ("**", "d") * 25 + ("**", "*.root")))
    assert len(found) == 1
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("part", ["*a" * 120 + "b", "*[a-z]?*" * 30 + "b", "?*" * 120 + "b"])
def test_hostile_components_are_matched_quickly(part: str) -> None:
    pattern = Pattern((part,))
    begin = time.process_time()
    assert not pattern.accepts(pattern.begin(), "a" * 255)
    assert time.process_time() - begin < 0.5
