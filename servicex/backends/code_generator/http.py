"""Code generators that are services of their own, asked over HTTP."""
import json
import random
import time
from collections.abc import Mapping

from servicex.backends.bounded_http import Answer, AnswerTooLarge, CallFailed, NotConnected, TimedOut, call
from servicex.backends.code_generator.base import CodeGenerator, GeneratedCode
from servicex.backends.code_generator.generated_answer import NotUnderstood, read_answer
from servicex.codegen.catalogue import ALL_FORMATS, PARQUET
from servicex.errors import GeneratorFailed, GeneratorTimedOut, InvalidSelection, Unavailable

PATH = "/servicex/generated-code"
MAX_ANSWER_BYTES = 4 * 1024 ** 2
MAX_REASON = 4000
# Seconds, and up to twice as many, before a connection is tried once more.
PAUSES = (0.1, 0.4)
# With these a generator speaks of the selection; anything else comes from what stands before it, or from its ruins.
REFUSALS = (400, 422, 500)
NO_IMAGE = "unknown"


class HttpCodeGenerator(CodeGenerator):
    """Services that speak the protocol of `servicex-code-gen-lib`.

    `urls` says where each is; `images` what each is shown as, which is the operator's to say: it is not asked for.
    `time_limit` is in seconds, for all that one selection takes. `converts` tells whether the transformers' sidecars
    make Parquet of the ROOT files of a program that cannot write it.
    """

    def __init__(self, urls: Mapping[str, str], images: Mapping[str, str], time_limit: float = 60.0,
                 converts: bool = False):
        self._urls = {name: url.rstrip("/") + PATH for name, url in urls.items()}
        self._images = {name: images.get(name, NO_IMAGE) for name in urls}
        self._time_limit = time_limit
        self._converts = converts

    def images(self) -> Mapping[str, str]:
        """The names, each with its image as the settings have it."""
        return self._images

    def formats(self, name: str) -> frozenset[str]:
        """All there are: what a generator can write is only known from its programs."""
        return ALL_FORMATS

    def generate(self, name: str, selection: str) -> GeneratedCode:
        """The program for the selection; its image is empty if the generator has none to offer.

        Raises `InvalidSelection` with the generator's own words, `GeneratorTimedOut`, `GeneratorFailed`, and
        `Unavailable` if nothing answers at its address.
        """
        answer = self._ask(name, json.dumps({"code": selection}).encode())
        if answer.status != 200:
            raise _refusal(name, answer)
        try:
            code = read_answer(answer.headers.get("Content-Type", ""), answer.body)
        except NotUnderstood as error:
            raise GeneratorFailed(f"The code generator {name} answered what is not understood: {error}.") from error
        return self._with_conversion(code)

    def _with_conversion(self, code: GeneratedCode) -> GeneratedCode:
        formats = (code.formats or frozenset()) | ({PARQUET} if self._converts else set())
        return GeneratedCode(code.image, code.language, code.command, code.files, formats)

    def _ask(self, name: str, body: bytes) -> Answer:
        try:
            return self._connect_and_ask(self._urls[name], body, time.monotonic() + self._time_limit)
        except NotConnected as error:
            raise Unavailable(
                f"The code generator {name} does not answer just now; try again later ({error}).") from error
        except TimedOut:
            raise GeneratorTimedOut(f"The code generator {name} did not answer within {self._time_limit:g} s; the "
                                    "selection may be too complex.") from None
        except AnswerTooLarge as error:
            raise GeneratorFailed(f"The code generator {name} sent too much: {error}.") from error
        except CallFailed as error:
            raise GeneratorFailed(f"The code generator {name} broke down: {error}.") from error

    def _connect_and_ask(self, url: str, body: bytes, deadline: float) -> Answer:
        """One answer. Only a connection that did not come about is tried again: a selection that brought a generator
        down would bring down the next one too."""
        for pause in PAUSES:
            try:
                return _post(url, body, deadline)
            except NotConnected:
                if time.monotonic() + pause >= deadline:
                    raise
            time.sleep(pause * random.uniform(1, 2))
        return _post(url, body, deadline)


def _post(url: str, body: bytes, deadline: float) -> Answer:
    headers = {"Content-Type": "application/json", "Accept": "multipart/form-data"}
    return call("POST", url, deadline, headers=headers, body=body, limit=MAX_ANSWER_BYTES)


def _refusal(name: str, answer: Answer) -> InvalidSelection | GeneratorFailed:
    """What an answer other than 200 means. Generators answer 500 for whatever goes wrong, bad selections above all."""
    reason = _reason(answer.body)
    if reason is None or answer.status not in REFUSALS:
        return GeneratorFailed(f"The code generator {name} broke down: it answered {answer.status}.")
    return InvalidSelection(f"The code generator {name} cannot translate the selection: "
                            f"{reason or 'it does not say why'}")


def _reason(body: bytes) -> str | None:
    """The generator's own words, empty if it was silent; None if the body is none that a generator sends."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    words = fields.get("Message", fields.get("message"))
    return words.strip()[:MAX_REASON] if isinstance(words, str) else None
