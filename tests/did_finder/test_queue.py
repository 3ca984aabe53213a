"""Questions to finders outside the server: what is refused at submit, and what is put into the queue."""
import pytest

from servicex.backends.did_finder.queue import QueueDidFinder
from servicex.backends.did_finder.schemes import check_default_scheme, check_schemes
from servicex.errors import InvalidDataset
from servicex.settings import InvalidSettings

Question = tuple[str, str, int, str]


@pytest.fixture
def asked() -> list[Question]:
    return []


@pytest.fixture
def finder(asked: list[Question]) -> QueueDidFinder:
    return QueueDidFinder(["rucio", "xrootd"], lambda *question: asked.append(question),
                          lambda dataset_id: f"http://server/{dataset_id}-token/")


def test_a_question_holds_what_the_finder_needs(finder: QueueDidFinder, asked: list[Question]) -> None:
    finder.look_up("rucio", "user.me:data?files=5", 42)
    assert asked == [("rucio", "user.me:data?files=5", 42, "http://server/42-token/")]
    assert not finder.running(42)


@pytest.mark.parametrize("did", [
    "a:b", "a:b?files=1", "a:b?files=-1", "a:b?files=7&get=available", "a:b?get=all", "a:b?depth=3&files=2", "a:b?",
    "root://host:1094//eos/é %20/*.root", "root://host//a*.root?files=3", "a:b#c",
])
def test_what_the_finders_understand(finder: QueueDidFinder, did: str) -> None:
    finder.check("xrootd", did)


@pytest.mark.parametrize("did, words", [
    ("a:b?get=some", "must be get=all or get=available"), ("a:b?get=", "get=''"), ("a:b?get=ALL", "get='ALL'"),
    ("a:b?files=0", "positive whole number"), ("a:b?files=-2", "files='-2'"), ("a:b?files=", "files=''"),
    ("a:b?files=ten", "files='ten'"), ("a:b?files=+5", "files=' 5'"), ("a:b?files=1.5", "files='1.5'"),
    ("a:b?files=00", "files='00'"), ("a:b?files=9999999999", "positive"), ("a:b?%66iles=0", "files='0'"),
    ("a:b?files=%30", "files='0'"), ("a:b?files=1&files=2", "twice"), ("a:b?get=all&get=available", "twice"),
    ("root://h//x?.root", "would be lost"), ("a:b?files", "would be lost"), ("a:b?=5", "would be lost"),
    ("root://[h//x", "cannot be read"), ("", "is empty"), ("a\nb", "control character"), ("x" * 5000, "4096"),
])
def test_what_they_would_answer_with_silence_is_refused(finder: QueueDidFinder, did: str, words: str) -> None:
    with pytest.raises(InvalidDataset) as refused:
        finder.check("rucio", did)
    assert words in refused.value.message


@pytest.mark.parametrize("scheme", ["", "9lives", "xrootd://", "a-b", "a.b", "é", "user", "x" * 65])
def test_schemes_that_no_queue_could_be_named_by(scheme: str) -> None:
    with pytest.raises(InvalidSettings, match="VALID_DID_SCHEMES"):
        check_schemes(["rucio", scheme])


def test_the_default_scheme_must_be_served(finder: QueueDidFinder) -> None:
    check_schemes(finder.schemes)
    check_default_scheme("rucio", [QueueDidFinder([], print, str), finder])
    with pytest.raises(InvalidSettings, match="'file', but these schemes are served: rucio, xrootd"):
        check_default_scheme("file", [finder])
    with pytest.raises(InvalidSettings, match="none"):
        check_default_scheme("file", [])
