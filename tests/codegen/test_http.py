"""Code generators over HTTP: one on the real library, and stand-ins for those that misbehave."""
import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from servicex.backends.code_generator.http import HttpCodeGenerator
from servicex.errors import GeneratorFailed, GeneratorTimedOut, InvalidSelection, ServiceXError, Unavailable
from tests.codegen.conftest import encoded
from tests.codegen.running_generator import real_generator
from tests.running_server import free_port
from tests.stand_in import Reply, StandIn

IMAGE = "sslhep/science:1"
CAPABILITIES = "transformer_capabilities.json"
LONG = 60.0
FORM = ("transformer_image", "language", "command", "zip_data")


@pytest.fixture(scope="module")
def real(code_generator_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpCodeGenerator]:
    """The generator `real`, whose programs run in IMAGE."""
    folder = tmp_path_factory.mktemp("generator")
    with real_generator(code_generator_python, folder, TRANSFORMER_SCIENCE_IMAGE=IMAGE) as url:
        yield HttpCodeGenerator({"real": f"{url}/"}, {"real": "sslhep/generator:1", "other": "x"}, LONG)


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", compression) as written:
        for name, content in files.items():
            written.writestr(name, content)
    return archive.getvalue()


def program(formats: object = ("root",), **files: bytes) -> dict[str, bytes]:
    return {CAPABILITIES: json.dumps({"file-formats": formats}).encode(), **files}


def form(archive: bytes, image: str = IMAGE, language: str = "python", command: str = "/generated/t.py",
         names: tuple[str, ...] = FORM) -> Reply:
    """The answer of a generator, with fields of these names."""
    contents = (image.encode(), language.encode(), command.encode(), archive)
    body = b"".join(b'--frontier\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + content
                    + b"\r\n" for name, content in zip(names, contents))
    return Reply(200, body + b"--frontier--\r\n", {"Content-Type": "multipart/form-data; boundary=frontier"})


@contextmanager
def answering(reply: Reply | None, seconds: float = LONG, converts: bool = False) -> Iterator[HttpCodeGenerator]:
    """The generator `fake`, which always gives this answer."""
    with StandIn(lambda request: reply) as stand_in:
        yield HttpCodeGenerator({"fake": stand_in.url}, {}, seconds, converts)


def failure(reply: Reply | None, seconds: float = LONG) -> ServiceXError:
    """What a generator fails with that gives this answer."""
    with answering(reply, seconds) as generator, pytest.raises(ServiceXError) as caught:
        generator.generate("fake", "x")
    return caught.value


def test_a_real_generator_makes_a_program(real: HttpCodeGenerator) -> None:
    code = real.generate("real", "write query.cxx ü (call 'x')")
    assert (code.image, code.language, code.command) == (IMAGE, "python", "/generated/transform_single_file.py")
    assert set(code.files) == {CAPABILITIES, "query.cxx"}
    assert code.files["query.cxx"].decode() == "ü (call 'x')"
    assert code.formats == {"root-file"}


def test_what_is_served(real: HttpCodeGenerator) -> None:
    assert real.images() == {"real": "sslhep/generator:1"}
    assert HttpCodeGenerator({"a": "http://x"}, {}).images() == {"a": "unknown"}


def test_a_program_may_want_another_image(real: HttpCodeGenerator) -> None:
    assert real.generate("real", "image ghcr.io/other/image:2").image == "ghcr.io/other/image:2"


def test_a_bad_selection_comes_back_with_the_generators_words(real: HttpCodeGenerator) -> None:
    with pytest.raises(InvalidSelection, match="^The code generator real cannot translate .*: Jets are unknown"):
        real.generate("real", "refuse Jets are unknown")
    with pytest.raises(InvalidSelection, match="does not say why"):
        real.generate("real", "refuse ")


@pytest.mark.parametrize("environment", [{}, {"TRANSFORMER_SCIENCE_IMAGE": ""}])
def test_a_real_generator_without_an_image(
        code_generator_python: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    with real_generator(code_generator_python, tmp_path, **environment) as url:
        assert HttpCodeGenerator({"real": url}, {}).generate("real", "write a b").image == ""


def test_a_real_generators_large_program_is_refused(real: HttpCodeGenerator) -> None:
    assert len(real.generate("real", "big 900000").files["big.bin"]) == 900_000
    with pytest.raises(GeneratorFailed, match="at most 100 files with 1048576 bytes"):
        real.generate("real", "big 1100000")
    with pytest.raises(GeneratorFailed, match="sent too much"):
        real.generate("real", "big 5000000")


def test_a_real_generator_that_takes_too_long(code_generator_python: Path, tmp_path: Path) -> None:
    with real_generator(code_generator_python, tmp_path, TRANSFORMER_SCIENCE_IMAGE=IMAGE) as url, \
            pytest.raises(GeneratorTimedOut, match="within 0.5 s"):
        HttpCodeGenerator({"real": url}, {}, 0.5).generate("real", "sleep 20")


def test_a_program_of_a_stand_in() -> None:
    with StandIn(lambda request: form(packed(program(a=b"1")))) as stand_in:
        code = HttpCodeGenerator({"fake": stand_in.url}, {}).generate("fake", encoded("x = 'ü'"))
    assert code.files["a"] == b"1"
    (request,) = stand_in.requests
    assert (request.method, request.path) == ("POST", "/servicex/generated-code")
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {"code": encoded("x = 'ü'")}


def test_fields_are_known_by_name_or_else_by_their_order() -> None:
    with answering(form(packed(program()), names=("image", "lang", "cmd", "zip"))) as generator:
        assert generator.generate("fake", "x").image == IMAGE
    turned = Reply(200, b"\r\n".join(b'--f\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s' % part for part in (
        (b"zip_data", packed(program())), (b"extra", b"?"), (b"command", b"/c"), (b"language", b" bash\n"),
        (b"transformer_image", b"i"))) + b"\r\n--f--", {"Content-Type": 'multipart/form-data; boundary="f"'})
    with answering(turned) as generator:
        code = generator.generate("fake", "x")
    assert (code.image, code.language, code.command) == ("i", "bash", "/c")


@pytest.mark.parametrize("words, converts, formats", [
    (["root"], False, {"root-file"}),
    (["root"], True, {"root-file", "parquet"}),
    (["parquet"], False, {"root-file", "parquet"}),
    (["Parquet", "root", "root-rntuple", "csv"], False, {"root-file", "parquet", "root-rntuple"}),
])
def test_formats_are_those_of_the_program(words: list[str], converts: bool, formats: set[str]) -> None:
    with answering(form(packed(program(words))), converts=converts) as generator:
        assert generator.generate("fake", "x").formats == formats


@pytest.mark.parametrize("status, body, kind, words", [
    (400, b'{"message": "no such branch"}', InvalidSelection, "no such branch"),
    (422, b'{"Message": "no such branch"}', InvalidSelection, "no such branch"),
    (500, b'{"Message": 5}', GeneratorFailed, "answered 500"),
    (500, b"<h1>Internal Server Error</h1>", GeneratorFailed, "answered 500"),
    (500, b'["Message"]', GeneratorFailed, "answered 500"),
    (500, b"[" * 60_000, GeneratorFailed, "answered 500"),
    (502, b'{"message": "no upstream"}', GeneratorFailed, "answered 502"),
    (404, b'{"message": "no such path"}', GeneratorFailed, "answered 404"),
    (302, b"", GeneratorFailed, "answered 302"),
])
def test_refusals(status: int, body: bytes, kind: type[ServiceXError], words: str) -> None:
    error = failure(Reply(status, body, {"Location": "http://127.0.0.1:1/"}))
    assert type(error) is kind and words in error.message


def test_words_without_end_are_cut() -> None:
    assert len(failure(Reply(500, json.dumps({"Message": "x" * 100_000}).encode())).message) < 5000


GOOD = form(packed(program()))


@pytest.mark.parametrize("reply, words", [
    (Reply(200, b"garbage"), "no multipart"),
    (Reply(200, packed(program()), {"Content-Type": "application/zip"}), "no multipart"),
    (Reply(200, b"garbage", GOOD.headers), "form is broken"),
    (Reply(200, GOOD.body[:-60], GOOD.headers), "form is broken"),
    (Reply(200, GOOD.body, {**GOOD.headers, "Content-Length": "99999"}), "broke off"),
    (Reply(200, b"--frontier--", GOOD.headers), "0 fields"),
    (form(b"", names=("transformer_image",)), "1 fields"),
    (form(b"no archive"), "archive is broken"),
    (form(packed(program())[:-30]), "archive is broken"),
    (form(packed(program({})), language=""), "language"),
    (form(packed(program()), command="/c; rm -rf /"), "command"),
    (form(packed(program()), command="x" * 300), "command"),
    (form(packed(program()), language="python\nx"), "language"),
    (form(packed(program()), image="a\0b"), "image"),
    (form(packed(program()), image="x" * 513), "image"),
    (Reply(200, GOOD.body.replace(b"python", b"\xff\xfe"), GOOD.headers), "language is no text"),
    (form(packed({"a": b"1"})), "no transformer_capabilities.json"),
    (form(packed({CAPABILITIES: b"[]"})), "no transformer_capabilities.json"),
    (form(packed({CAPABILITIES: b'{"file-formats": 5}'})), "no transformer_capabilities.json"),
    (form(packed(program() | {f"f{n}": b"" for n in range(100)})), "101 files"),
    (form(packed(program() | {"zeros": bytes(100_000_000)})), "100000"),
    (form(packed(program(), zipfile.ZIP_LZMA)), "unusual"),
    *[(form(packed(program() | {name: b""})), "file named")
      for name in ("../evil", "/etc/passwd", "a/b", "a\\b", "..", ".", "a b", "folder/", "é", "x" * 254)],
])
def test_garbage_is_the_generators_fault(reply: Reply, words: str) -> None:
    error = failure(reply)
    assert type(error) is GeneratorFailed and words in error.message


def test_an_archive_that_lies_about_a_size_is_not_believed() -> None:
    archive = bytearray(packed(program() | {"zeros": bytes(5_000_000)}))
    size = (5_000_000).to_bytes(4, "little")
    at = archive.rindex(size)
    archive[at:at + 4] = (10).to_bytes(4, "little")
    assert "archive is broken" in failure(form(bytes(archive))).message


def test_of_two_files_with_one_name_the_later_one_counts() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written, pytest.warns(UserWarning, match="Duplicate"):
        for content in (b"1", b"2"):
            written.writestr("a", content)
        written.writestr(CAPABILITIES, program()[CAPABILITIES])
    with answering(form(archive.getvalue())) as generator:
        assert generator.generate("fake", "x").files["a"] == b"2"


def test_silence_ends() -> None:
    assert type(failure(None, seconds=0.3)) is GeneratorTimedOut


def test_an_answer_that_trickles_ends() -> None:
    before = time.monotonic()
    assert type(failure(Reply(200, GOOD.body[:50], GOOD.headers, pieces=1000), seconds=1)) is GeneratorTimedOut
    assert time.monotonic() - before < 60


def test_a_huge_answer_is_not_taken() -> None:
    assert "sent too much" in failure(Reply(200, bytes(5_000_000), GOOD.headers)).message


def test_where_nothing_listens() -> None:
    with pytest.raises(Unavailable, match="does not answer just now") as caught:
        HttpCodeGenerator({"fake": f"http://127.0.0.1:{free_port()}"}, {}).generate("fake", "x")
    assert type(caught.value) is Unavailable
    with pytest.raises(Unavailable, match="is not known"):
        HttpCodeGenerator({"fake": "http://no-such-host.invalid"}, {}).generate("fake", "x")


def test_only_a_connection_that_failed_is_tried_again() -> None:
    with StandIn(lambda request: Reply(503, b"busy")) as stand_in, pytest.raises(GeneratorFailed):
        HttpCodeGenerator({"fake": stand_in.url}, {}).generate("fake", "x")
    assert len(stand_in.requests) == 1


def test_a_generator_that_comes_up_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    port, started = free_port(), []

    def start_meanwhile(seconds: float) -> None:
        started.append(stack.enter_context(StandIn(lambda request: GOOD, port)))

    monkeypatch.setattr("servicex.backends.code_generator.http.time.sleep", start_meanwhile)
    with ExitStack() as stack:
        assert HttpCodeGenerator({"fake": f"http://127.0.0.1:{port}"}, {}).generate("fake", "x").image == IMAGE
    assert len(started) == 1
