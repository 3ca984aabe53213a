"""A generated program, imported once."""
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

_FUNCTION = "transform_single_file"


class ProgramUnfit(Exception):
    """Raised when the program is not one that can run here."""


class Program:
    """The generated program in `folder`; nothing of it is imported before the first file.

    Its command, such as `/generated/transform_single_file.py`, names the file in the folder that defines
    `transform_single_file(file_path, output_path, output_format)`.
    """

    def __init__(self, folder: Path, language: str, command: str, result_format: str):
        self._folder = folder
        self._language = language
        self._file_name = Path(command).name
        self._result_format = result_format
        self._function: Callable[[str, str, str], Any] | None = None

    def run(self, source: str, output: str) -> Any:
        """Transform one file; gives what the program's function returned and raises what it raises."""
        if self._function is None:
            self._function = self._load()
        return self._function(source, output, self._result_format)

    def _load(self) -> Callable[[str, str, str], Any]:
        if self._language != "python":
            raise ProgramUnfit(f"a program in the language {self._language!r} cannot run in a local worker")
        function = getattr(self._import(), _FUNCTION, None)
        if not callable(function):
            raise ProgramUnfit(f"the generated file {self._file_name} does not define {_FUNCTION}()")
        loaded: Callable[[str, str, str], Any] = function
        return loaded

    def _import(self) -> ModuleType:
        path = self._folder / self._file_name
        # First on the path: the file imports its neighbours by their bare names.
        sys.path.insert(0, str(self._folder))
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ProgramUnfit(f"the generated file {self._file_name} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module
