"""Build the Flask app: database, parts, routes, S3 door."""
from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from servicex import api, choices, web, wiring
from servicex.api import browser
from servicex.api.auth import Authentication
from servicex.api.turns import Turns
from servicex.backends.object_store.s3_door import S3Door
from servicex.database import migrate, migrations_folder
from servicex.models import db
from servicex.observability import redact_secrets
from servicex.services.overview import OverviewService
from servicex.settings import Settings
from servicex.web.services import WebServices

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def build_app(settings: Settings) -> Flask:
    """The app, wired; see `servicex.create_app`."""
    redact_secrets()
    # With it, `flask run` would show whoever asks a page with a Python prompt for each error.
    os.environ.pop("FLASK_DEBUG", None)
    app = Flask("servicex")
    app.config.update(SQLALCHEMY_DATABASE_URI=settings.database_uri, MAX_CONTENT_LENGTH=settings.MAX_REQUEST_BYTES,
                      MAX_FORM_MEMORY_SIZE=settings.MAX_REQUEST_BYTES, PUBLIC_URL=settings.PUBLIC_URL)
    # Every thread that may want a connection gets one: requests, two threads a worker, finders, the controller.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": settings.THREADS + 2 * settings.WORKERS + 8}
    db.init_app(app)
    migrate.init_app(app, db, directory=migrations_folder())
    with app.app_context():
        parts = wiring.build(settings, db.engine)
    app.extensions["servicex"] = parts
    services = parts.services()
    authentication = Authentication(settings.ENABLE_AUTH, parts.accounts, parts.api_tokens, parts.sign_ins,
                                    choices.bearer_identity(settings))
    browser.register(app, choices.cookie_keys(settings))
    api.register(app, services, choices.outside(settings), authentication, choices.token_options(settings),
                 choices.rate_limits(settings), settings.frames)
    web.register(app, WebServices(services, parts.accounts, parts.api_tokens, parts.sign_ins, parts.device_codes,
                                  parts.audit_log, parts.identity_providers, OverviewService(parts.transactions),
                                  parts.depth, choices.versions(settings, services.app_version),
                                  {"monitor": settings.MONITOR_URL, "logs": settings.LOGS_URL},
                                  choices.readable_folders(settings)))
    door = S3Door(single_slashes(app.wsgi_app), parts.store)
    outermost = Turns(behind_proxies(door, settings.TRUSTED_PROXIES), settings.THREADS)
    app.wsgi_app = outermost  # type: ignore[method-assign]
    return app


def behind_proxies(app: WSGIApplication, proxies: int) -> WSGIApplication:
    """Have it see the address, scheme and host that so many reverse proxies in front of it were asked by and for."""
    return ProxyFix(app, x_for=proxies, x_proto=proxies, x_host=proxies) if proxies else app


def single_slashes(app: WSGIApplication) -> WSGIApplication:
    """Take several slashes for one: a client whose endpoint ends in a slash sends two, and follows no redirect."""
    def collapsed(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = re.sub("/{2,}", "/", environ.get("PATH_INFO", ""))
        return app(environ, start_response)
    return collapsed
