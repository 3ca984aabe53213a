"""Messages become causes, and causes have hints."""
import time

import pytest

from servicex.services.causes import KNOWN, LONGEST, Failed, cause_of, grouped, normalized

SAME = [
    ("[Errno 2] No such file or directory: '/a/b.root'", "[Errno 2] No such file or directory: '/data/c.d/e.root'"),
    ("cannot open root://a.example.org:1094//store/1.root", "cannot open https://b.example.org/x/2.root"),
    ("basket 7 at 0x7f3a of 12.5 GB", "basket 81234 at 0xDEADBEEF of 3 GB"),
    ("lost 0f9a3c1e-1111-4222-8333-abcdefabcdef", "lost ffffffff-2222-4333-8444-000000000000"),
    ("no answer from 10.0.0.1:1094", "no answer from 192.168.3.44:1094"),
    ("bad   file one.root\n of many", "bad file two.root of many"),
    ("it broke; another replica: OSError: away", "it broke"),
]
DIFFERENT = [("no 'Muon_pt'", "no 'Muon_eta'"), ("column 'x1' is missing", "column 'x2' is missing")]
SAID = [
    ("KeyInFileError", "not found: 'Muon_pt' Available keys: 'Muon_eta', 'a' in file /tmp/k.root in object /Events;1",
     "no branch `Muon_pt` in tree `Events`"),
    ("KeyInFileError", "not found: 'Nope' (with any cycle number) Available keys: 'Events;1' in file /tmp/k.root",
     "no tree `Nope` in the file"),
    ("KeyInFileError", "not found: 'Muon_pt' (because the query reads it) Available keys: 'a', 'b' in object Events",
     "no branch `Muon_pt` in tree `Events`"),
    ("KeyError", "there is no 'ptt'; there is pt, eta", "no column `ptt`"),
]


@pytest.mark.parametrize("one, other", SAME)
def test_what_differs_from_file_to_file_is_one_cause(one: str, other: str) -> None:
    assert cause_of("OSError", one) == cause_of("OSError", other)


@pytest.mark.parametrize("one, other", DIFFERENT)
def test_names_in_a_query_tell_causes_apart(one: str, other: str) -> None:
    assert cause_of("X", one) != cause_of("X", other)


@pytest.mark.parametrize("error_class, message, words", SAID)
def test_known_cause_is_said_in_plain_words(error_class: str, message: str, words: str) -> None:
    assert cause_of(error_class, message).words == words


@pytest.mark.parametrize("error_class, message, hint", [
    ("MemoryLimitExceeded", "The worker was ended.", "more memory"), ("WorkerDied", "signal 11", "crash in a library"),
    ("DeadlineExceeded", "600 s", "too long"), ("OSError", "[FATAL] Invalid address", "replica"),
    ("FileNotFoundError", "[Errno 2] No such file", "replica"), ("SyntaxError", "invalid", "program itself"),
    ("TypeError", "sin cannot be used like this in a query", "not supported"), ("DiskFull", "", "disk"),
    ("NoOutput", "the program returned without writing", "return its columns")])
def test_known_cause_has_a_hint(error_class: str, message: str, hint: str) -> None:
    assert hint in cause_of(error_class, message).hint


def test_groups_count_and_the_commonest_comes_first() -> None:
    groups = grouped([Failed("A", "x 1", 2, 9), Failed("B", "y", 4, 3), Failed("A", "x 2", 3, 7), Failed("", "", 1, 1)])
    assert [(group.cause.words, group.count, group.file_id) for group in groups] == [
        ("A: x <number>", 5, 7), ("B: y", 4, 3), ("no reason was given", 1, 1)]


@pytest.mark.parametrize("text", ["/" * 100_000, "a." * 50_000, "1" * 100_000, "0x" * 50_000, "(" * 100_000,
                                  "not found: '" * 9000, "a-" * 50_000, "\x1b[31m\x00" * 10_000])
def test_long_and_odd_messages_cost_little(text: str) -> None:
    begun = time.perf_counter()
    cause = cause_of(text, text)
    assert time.perf_counter() - begun < 0.5
    assert len(cause.words) <= LONGEST and "\n" not in cause.words and "\0" not in normalized(text)


def test_every_hint_is_a_sentence() -> None:
    assert all(known.hint.endswith(".") and known.hint[0].isupper() for known in KNOWN)
