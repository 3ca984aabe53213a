"""Glob patterns over the components of a path, matched while a tree of directories is walked once.

`*`, `?` and `[...]` match inside one component, as in `fnmatch`, letters as they are written; `**` alone in a component
matches any number of directories, none included. Names that begin with a dot are matched only by a component that
does. The state of a walk is the set of components that the next name may match, so the work for a name grows with the
number of components and never with the number of ways in which the pattern could match.
"""
import fnmatch
import re
from collections.abc import Sequence

ALL_FILES = "*.root"
_MAGIC = re.compile(r"[*?\[]")

State = frozenset[int]


def has_magic(text: str) -> bool:
    """Whether a text holds a character that is special in patterns."""
    return _MAGIC.search(text) is not None


def split_pattern(path: str) -> tuple[str, tuple[str, ...]]:
    """The directory that an absolute pattern begins in, and the components to be matched below it.

    Without special characters it is the path itself and (). A pattern that ends with `/` or `/**` means the files
    `*.root` in what it matches.
    """
    parts = [part for part in path.split("/") if part]
    magic = next((index for index, part in enumerate(parts) if has_magic(part)), len(parts))
    rest = parts[magic:]
    if rest and (rest[-1] == "**" or path.endswith("/")):
        rest.append(ALL_FILES)
    return "/" + "/".join(parts[:magic]), tuple(rest)


class Pattern:
    """The components of a pattern, ready to be matched."""

    def __init__(self, parts: Sequence[str]):
        self._parts = tuple(parts)
        self._last = len(parts) - 1
        self._expressions = [re.compile(fnmatch.translate(part)) for part in parts]

    def begin(self) -> State:
        """The state at the top of the walk."""
        return self._closure({0})

    def descend(self, state: State, name: str, is_link: bool) -> State:
        """The state in the sub-directory of that name; empty if nothing in it can match.

        `**` does not go through symbolic links, since they may form circles.
        """
        deeper = {index + 1 for index in state if index < self._last and self._matches(index, name)}
        stays = set() if is_link or name.startswith(".") else {i for i in state if self._parts[i] == "**"}
        return self._closure(deeper | stays)

    def accepts(self, state: State, name: str) -> bool:
        """Whether a file of that name is one that the pattern means."""
        return self._last in state and self._matches(self._last, name)

    def literal_names(self, state: State) -> list[str] | None:
        """The only names that can match, where the directory need not be listed; None where it must be."""
        names = {self._parts[index] for index in state}
        return None if any(has_magic(name) for name in names) else sorted(names)

    def _matches(self, index: int, name: str) -> bool:
        part = self._parts[index]
        if part == "**" or (name.startswith(".") and not part.startswith(".")):
            return False
        return self._expressions[index].match(name) is not None

    def _closure(self, indices: set[int]) -> State:
        """With what may match once `**` has matched no directory at all."""
        reached = set(indices)
        for index in range(self._last):
            if index in reached and self._parts[index] == "**":
                reached.add(index + 1)
        return frozenset(reached)
