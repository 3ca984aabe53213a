"""The built-in code generators, each selection translated in a child process of its own.

The libraries behind are large and a selection may be hostile, so neither comes into the server's process.
"""
import base64
from collections.abc import Mapping
from typing import Any

from servicex.backends.code_generator.base import CodeGenerator, GeneratedCode
from servicex.codegen.catalogue import COMMAND, GENERATORS, LANGUAGE
from servicex.errors import GeneratorFailed, GeneratorTimedOut, InvalidSelection
from servicex.processes import BadMessage, ChildDied, ChildTimedOut, MemoryLimitExceeded, WarmParent

TARGET = "servicex.codegen.child:serve"


class BuiltinCodeGenerator(CodeGenerator):
    """The generators `uproot`, `uproot-raw` and `python`.

    `version` is the server's; `time_limit` is in seconds and `memory_limit` in bytes, both for one selection. `images`
    are the container images that programs run in, by generator; None where workers are no containers.
    """

    def __init__(self, warm: WarmParent, version: str, time_limit: float = 60.0, memory_limit: int = 2**30,
                 images: Mapping[str, str] | None = None):
        self._warm = warm
        self._image = f"servicex-app {version}"
        self._science_images = dict.fromkeys(GENERATORS, self._image) if images is None else images
        self._time_limit = time_limit
        self._memory_limit = memory_limit

    def images(self) -> Mapping[str, str]:
        """The three names, each with the server's own version, as there is no container."""
        return {name: self._image for name in GENERATORS}

    def formats(self, name: str) -> frozenset[str]:
        """The result formats of the generator; a selection may allow fewer, see `GeneratedCode.formats`."""
        return GENERATORS[name].formats

    def generate(self, name: str, selection: str) -> GeneratedCode:
        """The program for the selection.

        Raises `InvalidSelection` also for a selection that takes too much memory, `GeneratorTimedOut` for one that
        takes too long, `GeneratorFailed` if the child ends otherwise, `Unavailable` if there is none.
        """
        answer = self._ask({"name": name, "selection": selection})
        if "invalid" in answer:
            raise InvalidSelection(answer["invalid"])
        files = {file: base64.b64decode(content) for file, content in answer["files"].items()}
        return GeneratedCode(self._science_images.get(name, ""), LANGUAGE, COMMAND, files, frozenset(answer["formats"]))

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            with self._warm.spawn(TARGET, self._memory_limit) as child:
                child.send(question)
                return child.receive(self._time_limit)
        except BadMessage as error:
            raise InvalidSelection(f"The selection is too large: {error}.") from None
        except MemoryLimitExceeded:
            raise InvalidSelection("The selection is too complex: translating it takes too much memory.") from None
        except ChildTimedOut:
            raise GeneratorTimedOut(f"The selection was not translated within {self._time_limit:g} s; "
                                    "it may be too complex.") from None
        except ChildDied as error:
            raise GeneratorFailed(f"The code generator broke down: its process {error.how}.") from None
