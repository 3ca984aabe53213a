"""Finders for the tests of this folder, and the XRootD server."""
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from servicex.backends.did_finder.builtin import BuiltinDidFinder
from tests.did_finder.recording_sink import RecordingSink
from tests.did_finder.xrootd_server import xrootd_server  # noqa: F401

MakeFinder = Callable[..., BuiltinDidFinder]


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink()


@pytest.fixture
def make_finder(sink: RecordingSink) -> Iterator[MakeFinder]:
    """Makes finders that tell the sink, and closes them."""
    made: list[BuiltinDidFinder] = []

    def make(allowed_paths: Sequence[Path], **options: Any) -> BuiltinDidFinder:
        made.append(BuiltinDidFinder(sink, allowed_paths, **options))
        return made[-1]

    yield make
    for finder in made:
        finder.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An allowed directory; its parent is not allowed."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder
