"""The walk over a tree of directories that gives the files matching a pattern, in the order of their paths."""
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from servicex.backends.did_finder.allowed_paths import CHAIN, is_fit
from servicex.backends.did_finder.base import FoundFile, LookupFailure
from servicex.backends.did_finder.patterns import ALL_FILES, Pattern, State
from servicex.backends.did_finder.search import SearchFailed

MAX_DEPTH = 200


class Entry(NamedTuple):
    """One name in a directory; `size` in bytes where the listing tells it."""

    name: str
    is_dir: bool
    is_link: bool = False
    size: int | None = None


class Tree(Protocol):
    """Directories that can be walked. What cannot be read raises `SearchFailed`."""

    def entries(self, directory: str) -> Iterable[Entry]:
        """What is in a directory, in any order; nothing if there is no such directory."""

    def entry(self, path: str) -> Entry | None:
        """What is at a path; None if there is nothing."""

    def measure(self, path: str, entry: Entry) -> int | None:
        """The size in bytes of a file that matched, 0 if not known; None if it is not a file to be read."""


def find_files(tree: Tree, base: str, parts: tuple[str, ...], where: str, prefix: str = "") -> Iterator[FoundFile]:
    """What `find` finds, its paths beginning with `prefix`. Raises `SearchFailed`, which tells `where` they were
    sought, if there are none."""
    count = 0
    for path, size in find(tree, base, parts):
        count += 1
        yield FoundFile((prefix + path,), file_size=size)
    if count == 0:
        raise SearchFailed(LookupFailure.DOES_NOT_EXIST,
                           f"No file matches {where}. A directory stands for the *.root files directly in it; write "
                           "dir/**/*.root for those in its sub-directories too.")


def find(tree: Tree, base: str, parts: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """The path and size of each file below the directory `base` that matches the components, sorted by path.

    Without components it is `base` itself, or if that is a directory the files `*.root` in it. At any time the names
    in one directory and in those above it are held in memory, not the files found.
    """
    top = tree.entry(base)
    if top is None:
        raise SearchFailed(LookupFailure.DOES_NOT_EXIST, f"There is no such file or directory: {base}")
    if top.is_dir:
        yield from _walk(tree, base, Pattern(parts or (ALL_FILES,)))
    elif not parts:
        yield from _measured(tree, base, top)


def _walk(tree: Tree, base: str, pattern: Pattern) -> Iterator[tuple[str, int]]:
    first = pattern.begin()
    stack = [(base, first, _ordered(tree, base, pattern, first))]
    while stack:
        directory, state, names = stack[-1]
        entry = next(names, None)
        if entry is None:
            stack.pop()
            continue
        path = os.path.join(directory, entry.name)
        if not entry.is_dir:
            yield from _measured(tree, path, entry)
            continue
        _check_depth(path, len(stack))
        below = pattern.descend(state, entry.name, entry.is_link)
        stack.append((path, below, _ordered(tree, path, pattern, below)))


def _ordered(tree: Tree, directory: str, pattern: Pattern, state: State) -> Iterator[Entry]:
    """Those entries of a directory that matter, sorted so that the walk gives whole paths in order."""
    literal = pattern.literal_names(state)
    entries = tree.entries(directory) if literal is None else _named(tree, directory, literal)
    wanted = [entry for entry in entries if _matters(entry, pattern, state)]
    return iter(sorted(wanted, key=_order))


def _order(entry: Entry) -> str:
    return entry.name + "/" if entry.is_dir else entry.name


def _named(tree: Tree, directory: str, names: Iterable[str]) -> Iterator[Entry]:
    found = (tree.entry(os.path.join(directory, name)) for name in names)
    return (entry for entry in found if entry is not None)


def _matters(entry: Entry, pattern: Pattern, state: State) -> bool:
    if entry.is_dir:
        return bool(pattern.descend(state, entry.name, entry.is_link))
    return pattern.accepts(state, entry.name)


def _measured(tree: Tree, path: str, entry: Entry) -> Iterator[tuple[str, int]]:
    # A file left out in silence would falsify the physics, so a name that cannot be stored ends the search.
    if not is_fit(path) or CHAIN in path:
        raise SearchFailed(LookupFailure.BAD_NAME, f"Rename {ascii(path)}: its name holds a control character or "
                                                   f"'{CHAIN}', or is not UTF-8.")
    size = tree.measure(path, entry)
    if size is not None:
        yield path, size


def _check_depth(path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise SearchFailed(LookupFailure.INTERNAL_FAILURE,
                           f"Directories are nested more than {MAX_DEPTH} deep at {path[:200]}...")
