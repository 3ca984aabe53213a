"""Options at the end of DIDs."""
import pytest

from servicex.backends.did_finder.options import DidOptions, split_options
from servicex.errors import InvalidDataset


@pytest.mark.parametrize("did, name, options", [
    ("scope:name", "scope:name", DidOptions()),
    ("scope:name?files=5", "scope:name", DidOptions(5)),
    ("1507?get=available", "1507", DidOptions(None, "available")),
    ("1507?files=3&get=all", "1507", DidOptions(3, "all")),
    ("1507?get=available&files=3", "1507", DidOptions(3, "available")),
    ("/d/x?.root", "/d/x?.root", DidOptions()),
    ("/d/x?.root?files=2", "/d/x?.root", DidOptions(2)),
    ("root://h//d/?/*.root?files=20", "root://h//d/?/*.root", DidOptions(20)),
    ("/d/?files=3/*.root", "/d/?files=3/*.root", DidOptions()),
    ("", "", DidOptions()),
])
def test_options_are_split_off_the_name(did: str, name: str, options: DidOptions) -> None:
    assert split_options(did) == (name, options)


@pytest.mark.parametrize("did", [
    "d?files=0", "d?files=-1", "d?files=", "d?files=1.5", "d?files=ten", "d?files= 3", "d?files=٣",
    "d?files=1" + "0" * 30, "d?get=some", "d?get=", "d?files=1&files=2", "d?files=1?files=2",
    "d?files=1&colour=red", "d?files=1&",
])
def test_wrong_options_are_refused(did: str) -> None:
    with pytest.raises(InvalidDataset):
        split_options(did)
