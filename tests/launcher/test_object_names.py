"""The names of results."""
import pytest
from hypothesis import given
from hypothesis import strategies

from servicex.backends.launcher.object_names import object_name


@pytest.mark.parametrize("path, readable", [
    ("/data/run 1, ev:3;*.root", "run_1__ev_3__"),
    ("root://host:1094//store/dy.root", "dy"),
    ("https://host/a/b.root?token=abc/def", "b"),
    ("/data/Größe-%41.root", "Gr__e-_41"),
    ("/data/.hidden.root", "_hidden"),
    ("/data/" + "x" * 300, "x" * 100),
    ("/data/.root", ""),
    ("/data/folder/", "folder"),
])
def test_name_is_readable(path, readable):
    name = object_name([path], "root-file")
    assert name.endswith(".root") and name[:-len("-0123456789abcdef.root")] == readable


def test_name_is_that_of_the_file_and_not_of_the_replica():
    one = object_name(["/a/x.root", "/b/x.root"], "parquet")
    assert one == object_name(["/a/x.root", "/b/x.root"], "parquet")
    assert len({one, object_name(["/a/x.root"], "parquet"), object_name(["/b/x.root"], "parquet"),
                object_name(["/a/x.root,/b/x.root"], "parquet")}) == 4


@pytest.mark.parametrize("result_format, suffix", [
    ("parquet", ".parquet"), ("root-file", ".root"), ("root-rntuple", ".root"), ("root", ".root")])
def test_suffix_says_the_format(result_format, suffix):
    assert object_name(["/x.root"], result_format).endswith(suffix)


@given(strategies.lists(strategies.text(strategies.characters(exclude_categories=())), min_size=1, max_size=3))
def test_every_name_is_a_plain_object_key(paths):
    name = object_name(paths, "root-file")
    assert name.isascii() and not name.startswith(".") and len(name) <= 122
    assert not set(name) & set('/\\*;:%?# \n\0')
