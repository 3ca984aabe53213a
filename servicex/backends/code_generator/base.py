"""What the server needs of a code generator."""
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class GeneratedCode:
    """A program made from a selection.

    `image` is the container image it wants to run in, empty if it has no wish, `language` and `command` how a file is
    transformed with it (`<language> <command> <input> <output> <format>`), `files` its files, name to content, all in
    one flat folder.
    `formats` are the result formats that this very program can write; None stands for those of its generator.
    """

    image: str
    language: str
    command: str
    files: Mapping[str, bytes]
    formats: frozenset[str] | None = None


class CodeGenerator(ABC):
    """Turns selections into programs, under one or several names."""

    @abstractmethod
    def images(self) -> Mapping[str, str]:
        """The names served, each with what `GET /servicex` shows for it (an image, or a version)."""

    @abstractmethod
    def formats(self, name: str) -> frozenset[str]:
        """The result formats that the generator `name` can write: `root-file`, `root-rntuple`, `parquet`."""

    @abstractmethod
    def generate(self, name: str, selection: str) -> GeneratedCode:
        """The program for the selection.

        Raises `InvalidSelection` with the reason if it cannot be translated, `GeneratorTimedOut` or `GeneratorFailed`
        if the generator is at fault, `Unavailable` if there is none to ask just now.
        """

    def close(self) -> None:
        """Called once when the server stops."""
