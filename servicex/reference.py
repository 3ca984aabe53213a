"""The reference pages, made from what they describe, so that they cannot drift from it."""
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from pydantic_core import PydanticUndefined

from servicex.api import ROUTES
from servicex.api.openapi import document
from servicex.settings import Settings


def pages(command: click.Group) -> dict[str, str]:
    """All pages, file name to text."""
    return {"settings.md": settings_page(), "commands.md": commands_page(command),
            "openapi.json": json.dumps(openapi_document(), indent=1) + "\n"}


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document, without the version of this installation."""
    return document(ROUTES, "1")


def settings_page() -> str:
    """Every setting with its type, default and help, as Markdown."""
    lines = ["# Settings", "",
             "A value comes from the environment, else from the Python file that `APP_CONFIG_FILE` names, else it is",
             "the default. Lists and dictionaries are JSON in the environment. This page is written by",
             "`servicex-app docs`.", "",
             "| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is PydanticUndefined else f"`{_shown(field.default)}`"
        lines.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def commands_page(command: click.Group) -> str:
    """Every command with its options, as Markdown."""
    lines = ["# Commands", "", "This page is written by `servicex-app docs`.", ""]
    for name, one in _leaves(command, "servicex-app"):
        context = click.Context(one, info_name=name, max_content_width=110, terminal_width=110)
        lines += [f"## {name}", "", "```", one.get_help(context), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _leaves(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """The commands of a group and of the groups in it, each with its whole name."""
    for name, one in sorted(group.commands.items()):
        if isinstance(one, click.Group):
            yield from _leaves(one, f"{path} {name}")
        else:
            yield f"{path} {name}", one


def _shown(value: Any) -> str:
    return repr(str(value)) if isinstance(value, Path) else repr(value)
