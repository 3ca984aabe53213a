"""Pages for people."""
from flask import Flask, render_template

from servicex.api.services import Services


def register(app: Flask, services: Services) -> None:
    """Add the pages to the app."""
    @app.get("/")
    def home() -> str:
        return render_template("home.html", version=services.app_version,
                               generators=services.transforms.code_generators())
