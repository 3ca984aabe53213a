"""The ServiceX server: delivers columns of high energy physics data.

`create_app` builds it; see doc/explanation/architecture for the rooms of the house.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from servicex.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The server as a Flask app, its parts wired and kept as `app.extensions["servicex"]`; nothing runs yet.

    The imports stand inside, so that the children that run users' programs load nothing of the server.
    """
    from servicex.application import build_app
    from servicex.settings import load
    return build_app(settings or load())
