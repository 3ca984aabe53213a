"""From signing in to a first plot."""
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from flask import render_template
from flask.typing import ResponseReturnValue

from servicex.api.addresses import public_url
from servicex.api.auth import Access, authentication
from servicex.web.examples import INSTALL, PUBLIC_FILE, examples
from servicex.web.page import page, visitor
from servicex.web.services import services
from servicex.web.tokens import FILE

# How many folders are looked into for a file that the examples can read.
MOST_FOLDERS = 50


@page(Access.ANYONE)
def get_started() -> ResponseReturnValue:
    """What a newcomer does, step by step."""
    generators = services().api.transforms.code_generators()
    file = first_file(services().readable) if _may_know_files() else None
    return render_template("get_started.html", install=INSTALL, file=file, configuration=FILE, endpoint=public_url(),
                           examples=examples(generators, file or PUBLIC_FILE), generators=generators)


def first_file(folders: Sequence[Path]) -> str | None:
    """A ROOT file below these folders, if one is found without much searching."""
    for folder in folders:
        for path, _, names in islice(os.walk(folder), MOST_FOLDERS):
            found = sorted(name for name in names if name.endswith(".root") and name.isprintable())
            if found:
                return os.path.join(path, found[0])
    return None


def _may_know_files() -> bool:
    """Names of files are for people who may use them."""
    signed_in = visitor()
    return not authentication().enabled or bool(signed_in and signed_in.user and not signed_in.user.pending)
