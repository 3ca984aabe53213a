"""Selections that cannot be translated: each is refused with a reason, and nothing of it is run."""
import base64
import json
import re
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servicex.codegen.catalogue import GENERATORS
from servicex.codegen.generators import generate
from servicex.errors import InvalidSelection
from tests.codegen.conftest import RECORDED, encoded, raw

DATA = "(call EventDataset 'bogus.root' 't')"


def select(body: str) -> str:
    return f"(Select {DATA} (lambda (list e) {body}))"


def refused(name: str, selection: str) -> str:
    with pytest.raises(InvalidSelection) as caught:
        generate(name, selection)
    return caught.value.message


@pytest.mark.parametrize("name", sorted(GENERATORS))
@pytest.mark.parametrize("selection", ["", "   \n", "\ud800", "x" * 10_000_000, "(" * 100_000, "[" * 100_000])
def test_nonsense_is_refused_by_all(name: str, selection: str) -> None:
    assert refused(name, selection)


@pytest.mark.parametrize("selection, message", [
    ("null", "Unknown id|no EventDataset"),
    ("garbage", "no EventDataset"),
    (f"(call Select {DATA} ", "ends too early; a closing parenthesis"),
    (f"(call Select {DATA}", "ends too early; a closing parenthesis"),
    ("(call Select\n  )) x", r"at line 2, column 4, near '\) x'"),
    ("(foo 1)", "Unknown composite node type: foo"),
    ("(call)", "at least one field"),
    (select("(if 1 2)"), "If node must have three fields"),
    ("(call Select 1 (lambda (list e) e))", "no EventDataset"),
    ("(call EventDataset)", r"FromTree\('name'\)"),
    ("(call EventDataset 'a.root')", r"FromTree\('name'\)"),
    ("(call EventDataset 'a.root' '')", r"FromTree\('name'\)"),
    ("(call EventDataset 'a.root' 7)", r"FromTree\('name'\)"),
    (RECORDED["yaml"]["no_tree"], r"FromTree\('name'\)"),
    ("(call EventDataset 'a' 'b' 'c')", "nothing more"),
    (f"(Concat {DATA} {DATA})", "more than one EventDataset"),
    (select("x"), "Unknown id: x"),
    (select("(call __import__ 'os')"), "Unknown id: __import__"),
    (select("(call open '/etc/passwd')"), "Unknown id: open"),
    (select("(call eval '1')"), "Unknown id: eval"),
    (select("(call (attr np 'load') 'x')"), "Unknown function: np.load"),
    (select("(attr (attr e 'x') '__class__')"), "begin with an underscore"),
    (select("(dict (list 1) (list 2))"), "must be named by strings"),
    (select("(Aggregate (attr e 'x') 0 (lambda (list a b) (+ a b)))"), "that uproot queries do not have"),
    (f"(call Select {DATA} 1)", "must be a lambda"),
    (f"(Select {DATA} (lambda (list for) 1))", "cannot be translated"),
    (f"(Select {DATA} (lambda (list a b) 1))", "exactly one argument"),
    (select("(- " * 300 + "1" + ")" * 300), "nested more than 200 levels"),
])
def test_funcadl(selection: str, message: str) -> None:
    assert re.search(message, refused("uproot", selection))


@pytest.mark.parametrize("attribute", [
    "x or __import__('os').abort()", "x; import os", "x\n    import os", "for", "a b", ""])
def test_an_attribute_cannot_smuggle_code_in(attribute: str) -> None:
    program = generate("uproot", select(f"(attr e {attribute!r})")).files["generated_transformer.py"].decode()
    assert f"e[{attribute!r}]" in program


@pytest.mark.parametrize("selection, message", [
    ("{", "not valid JSON"),
    ("null", "must be a list"),
    ('{"treename": "t"}', "must be a list"),
    ("[]", "holds no query"),
    ("[1]", "Query 1 .* must be an object"),
    (raw({}), "neither treename nor copy_histograms"),
    (raw({"treename": None}), "neither treename nor copy_histograms"),
    (raw({"treename": "t"}, {"filter_name": "x"}), "Query 2 has neither"),
    (raw({"treename": "t", "copy_histograms": "h"}), "make two queries"),
    (raw({"treename": "t", "filter": "x"}), "unknown key 'filter'; a treename query has treename, expressions"),
    (raw({"copy_histograms": "h", "cut": "x"}), "unknown key 'cut'"),
    (raw({"treename": 7}), "treename must be a text or a list of texts"),
    (raw({"treename": []}), "not an empty list"),
    (raw({"treename": {}}), "an object of texts that is not empty"),
    (raw({"treename": {"a": 1}}), "treename must be a text"),
    (raw({"treename": "t", "cut": ["x"]}), "cut must be a text"),
    (raw({"treename": "t", "cut": " "}), "cut must be a text that is not empty"),
    (raw({"treename": "t", "aliases": ["x"]}), "aliases must be an object"),
    (raw({"treename": "t", "expressions": [1]}), "expressions must be a text or a list"),
    (raw({"treename": "t", "fail_on_missing_trees": "yes"}), "must be true or false"),
    (raw({"treename": "t", "use_standard_awkward_axis": 1}), "must be true or false"),
    (raw({"treename": "t"}, {"treename": ["u", "t"]}), "More than one query writes the tree 't'"),
    (raw({"treename": {"a": "t", "b": "t"}}), "More than one query writes the tree 't'"),
    # How deep the json module of a Python goes differs.
    ("[" * 5000 + "]" * 5000, "nested too deeply|must be an object"),
])
def test_uproot_raw(selection: str, message: str) -> None:
    assert re.search(message, refused("uproot-raw", selection))


@pytest.mark.parametrize("selection, message", [
    ("not base64!", "not valid base64"),
    ("abc", "not valid base64"),
    (base64.b64encode(b"\xff\xfe").decode(), "not valid UTF-8"),
    (encoded("\n"), "it defines no function"),
    (encoded("x = 1"), "it defines no function"),
    (encoded("def my_query(path): return 1"), "it defines my_query"),
    (encoded("class A:\n    def run_query(self): pass"), "it defines no function"),
    (encoded("async def run_query(path): return 1"), "not an async one"),
    (encoded("def run_query(): return 1"), "must take one argument"),
    (encoded("def run_query(a, b): return 1"), "must take one argument"),
    (encoded("def run_query(a, *, b): return 1"), "must take one argument"),
    (encoded("def run_query(path):\n    return (1"), r"syntax error in line 2: return \(1"),
    (encoded("def run_query(path):\nreturn 1"), r"syntax error in line 2: return 1"),
    (encoded("return 1"), "syntax error in line 1"),
    (encoded("def run_query(path): return '\0'"), "null byte"),
    (encoded("x = " + "(" * 1000 + ")" * 1000), "nested|too many"),
    (encoded("x = " + "-" * 100_000 + "1"), "nested|too many|too deep"),
])
def test_python(selection: str, message: str) -> None:
    assert re.search(message, refused("python", selection))


def test_nothing_of_the_selection_is_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    source = f"open({str(witness)!r}, 'w')\ndef run_query(path=open({str(witness)!r}, 'w')): return 1\n"
    generate("python", encoded(source))
    assert not witness.exists()


def test_a_program_that_would_be_too_large_is_refused() -> None:
    source = "def run_query(path):\n    return 1\n" + "# comment\n" * 89_000
    assert "at most 900000" in refused("python", encoded(source))


@pytest.mark.parametrize("name, selection", [
    ("uproot", RECORDED["api"]["zip"]), ("uproot-raw", RECORDED["raw"]["trees"]),
    ("python", RECORDED["python"]["text"])])
def test_the_same_selection_gives_the_same_bytes(name: str, selection: str) -> None:
    first, second = generate(name, selection), generate(name, selection)
    assert first == second
    assert set(first.files) == {"generated_transformer.py", "transform_single_file.py", "transformer_capabilities.json"}


WORDS = st.sampled_from([
    "call", "Select", "Where", "lambda", "list", "dict", "attr", "subscript", "if", "and", "-", "**", "e",
    "EventDataset", "'t'", "'x'", "1", "-1.5", "(", "(", ")", ")", "Zip", "Count", "First"])
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["treename", "cut", "aliases", "copy_histograms", "filter_name", "x"]), inner))
BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def translated_or_refused(name: str, selection: str) -> None:
    """Every selection has one of two ends; any other exception is a bug."""
    try:
        program = generate(name, selection)
    except InvalidSelection as error:
        assert error.message
    else:
        compile(program.files["generated_transformer.py"], name, "exec")


@BOUNDED
@given(st.lists(WORDS, max_size=20).map(" ".join))
def test_any_words_are_translated_or_refused(words: str) -> None:
    translated_or_refused("uproot", words)
    translated_or_refused("uproot", select(words))


@BOUNDED
@given(JSON)
def test_any_json_is_translated_or_refused(value: object) -> None:
    translated_or_refused("uproot-raw", json.dumps(value))
    translated_or_refused("uproot-raw", json.dumps([value]))


@BOUNDED
@given(st.text(max_size=60) | st.text(alphabet=string.printable, max_size=60))
def test_any_text_is_translated_or_refused(text: str) -> None:
    for name in GENERATORS:
        translated_or_refused(name, text)
    try:
        translated_or_refused("python", encoded(text + "\ndef run_query(path): pass"))
    except UnicodeEncodeError:
        pass    # a lone surrogate has no base64


def test_limits_on_size_are_named() -> None:
    with pytest.raises(InvalidSelection, match="at most 1200000"):
        generate("uproot", " " * 1_200_001)
    with pytest.raises(InvalidSelection, match="at most 900000"):
        generate("uproot-raw", raw({"treename": "t", "expressions": "x" * 1_000_000}))
