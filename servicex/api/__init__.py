"""The API for programs. The URL table, whole:"""
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask
from flask_restful import Api

from servicex.api import auth, cors, errors, guard, headers, limits, openapi
from servicex.api.accounts import Accept, Pending, TokenRefresh, User, Users
from servicex.api.auth import Authentication, TokenOptions
from servicex.api.callbacks import (FileComplete, LookupComplete, LookupFailed, LookupFiles, TransformerFileStatus,
                                    TransformerStatus)
from servicex.api.datasets import Dataset, DatasetRefresh, Datasets
from servicex.api.device import DeviceCode, DeviceToken
from servicex.api.guard import Outside
from servicex.api.health import Live, Ready
from servicex.api.info import CodeGenerators, ServerInfo
from servicex.api.limits import RateLimits
from servicex.api.live import Events, EventsOfSeveral, States
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import LARGEST_ID
from servicex.api.services import Services
from servicex.api.slack import Slack
from servicex.api.transforms import Cancel, Errors, Logs, Results, Status, Transform, Transforms, Workers

DATASET_ID = f"<int(max={LARGEST_ID}):dataset_id>"
USER_ID = f"<int(max={LARGEST_ID}):user_id>"
FILE_ID = f"<int(max={LARGEST_ID}):file_id>"
# With the token; the same routes without it are there for callers who were never handed one.
TOKEN = "/<string:token>"
CALLBACKS = f"/servicex/internal{TOKEN}/transformation"

ROUTES: tuple[tuple[str, type[ServiceXResource]], ...] = (
    ("/servicex", ServerInfo),
    ("/servicex/transformation", Transforms),
    ("/servicex/transformation/events", EventsOfSeveral),
    ("/servicex/transformation/states", States),
    ("/servicex/transformation/<string:request_id>", Transform),
    ("/servicex/transformation/<string:request_id>/events", Events),
    ("/servicex/transformation/<string:request_id>/status", Status),
    ("/servicex/transformation/<string:request_id>/results", Results),
    ("/servicex/transformation/<string:request_id>/errors", Errors),
    ("/servicex/transformation/<string:request_id>/cancel", Cancel),
    ("/servicex/transformation/<string:request_id>/deployment-status", Workers),
    ("/servicex/transformation/<string:request_id>/logs", Logs),
    ("/servicex/datasets", Datasets),
    (f"/servicex/datasets/{DATASET_ID}", Dataset),
    (f"/servicex/datasets/{DATASET_ID}/refresh", DatasetRefresh),
    ("/multiple-codegen-list", CodeGenerators),
    ("/token/refresh", TokenRefresh),
    ("/users", Users),
    (f"/users/{USER_ID}", User),
    ("/pending", Pending),
    ("/accept", Accept),
    ("/device/code", DeviceCode),
    ("/device/token", DeviceToken),
    ("/slack", Slack),
    ("/livez", Live),
    ("/readyz", Ready),
    (f"{CALLBACKS}/{DATASET_ID}/files", LookupFiles),
    (f"{CALLBACKS}/{DATASET_ID}/complete", LookupComplete),
    (f"{CALLBACKS}/{DATASET_ID}/error", LookupFailed),
    (f"{CALLBACKS}/<string:request_id>/file-complete", FileComplete),
    (f"{CALLBACKS}/<string:request_id>/status", TransformerStatus),
    (f"{CALLBACKS}/<string:request_id>/{FILE_ID}/status", TransformerFileStatus),
)


class RestApi(Api):
    """Flask-RESTful without error handling of its own: Flask's handlers know better.

    To find out whose an error is it looks at the URL again, and fails itself where that is what the error is about.
    """

    def error_router(self, original_handler: Callable[[Exception], Any], error: Exception) -> Any:
        """What Flask's handlers make of an error."""
        return original_handler(error)


def register(app: Flask, services: Services, outside: Outside, authentication: Authentication,
             tokens: TokenOptions, rate_limits: RateLimits | None = None, frames: Sequence[str] = ()) -> None:
    """Add the routes, their errors, their guard and their description to the app.

    `frames` are origins of pages that ours may show within themselves.
    """
    api = RestApi(app)
    for url, resource in ROUTES:
        # Pages have the short names.
        api.add_resource(resource, *dict.fromkeys([url, url.replace(TOKEN, "")]),
                         endpoint=f"api_{resource.__name__.lower()}", resource_class_kwargs={"services": services})
    errors.register(app)
    auth.register(app, authentication, tokens)
    guard.register(app, outside)
    cors.register(app, outside.invited)
    limits.register(app, rate_limits)
    headers.register(app, frames=frames)
    openapi.register(app, ROUTES, services.app_version)
