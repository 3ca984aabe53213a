"""Pages for people. The URL table, whole:"""
from collections.abc import Callable

from flask import Flask
from flask.typing import ResponseReturnValue

from servicex.api.auth import authentication
from servicex.web import admin, dashboard, datasets, device, home, profile, sign_in, tokens, transform
from servicex.web.page import visitor
from servicex.web.services import EXTENSION, WebServices

Page = tuple[str, str, Callable[..., ResponseReturnValue], tuple[str, ...]]
SHOWN, CHANGED = ("GET",), ("POST",)
USER_ID = "<int(max=2147483647):user_id>"
DATASET_ID = "<int(max=2147483647):dataset_id>"
TOKEN_ID = "<int(max=2147483647):token_id>"
TRANSFORM = "/transformation-request/<string:id_>"

# URL, endpoint, view, methods
PAGES: tuple[Page, ...] = (
    ("/", "home", home.home, SHOWN),
    ("/about", "about", home.about, SHOWN),
    ("/sign-in", "sign_in", sign_in.choose_provider, SHOWN),
    ("/sign-in/<string:provider>", "sign_in_with", sign_in.go_to_provider, SHOWN),
    ("/auth-callback", "auth_callback", sign_in.come_back, SHOWN),
    ("/sign-out", "sign_out", sign_in.confirm_sign_out, SHOWN),
    ("/sign-out", "signed_out", sign_in.sign_out, CHANGED),
    ("/profile", "profile", profile.show, SHOWN),
    ("/profile/new", "create_profile", profile.create, SHOWN + CHANGED),
    ("/profile/edit", "edit_profile", profile.edit, SHOWN + CHANGED),
    ("/profile/link/<string:provider>", "link_identity", sign_in.go_to_link, CHANGED),
    ("/profile/unlink", "unlink_identity", profile.unlink, CHANGED),
    ("/api-token", "api_token", tokens.confirm_new, SHOWN),
    ("/api-token", "new_api_token", tokens.make_new, CHANGED),
    (f"/api-token/{TOKEN_ID}/revoke", "revoke_api_token", tokens.revoke, CHANGED),
    ("/.servicex", "servicex_file", tokens.confirm_file, SHOWN),
    ("/.servicex", "download_servicex_file", tokens.download_file, CHANGED),
    ("/device", "device", device.ask, SHOWN),
    ("/device", "answer_device", device.answer, CHANGED),
    (TRANSFORM, "transformation_request", transform.show, SHOWN),
    (f"{TRANSFORM}/results", "transformation_results", transform.results, SHOWN),
    (f"{TRANSFORM}/failures", "transformation_failures", transform.failures, SHOWN),
    (f"{TRANSFORM}/logs", "transformation_logs", transform.logs, SHOWN),
    (f"{TRANSFORM}/code", "transformation_code", transform.code, SHOWN),
    (f"{TRANSFORM}/plots/<string:file>", "transformation_plot", transform.plot, SHOWN),
    ("/admin/accounts", "accounts", admin.accounts, SHOWN),
    (f"/admin/accounts/{USER_ID}/approve", "approve_account", admin.approve, CHANGED),
    (f"/admin/accounts/{USER_ID}/delete", "delete_account", admin.delete, CHANGED),
    (f"/admin/accounts/{USER_ID}/admin", "set_admin", admin.set_admin, CHANGED),
    ("/dashboard", "user-dashboard", dashboard.own, SHOWN),
    ("/dashboard/cancel-running", "cancel_own", dashboard.cancel_own, CHANGED),
    ("/global-dashboard", "global-dashboard", dashboard.everybodys, SHOWN),
    ("/global-dashboard/cancel-running", "confirm_cancel_all", dashboard.confirm_cancel_all, SHOWN),
    ("/global-dashboard/cancel-running", "cancel_all", dashboard.cancel_all, CHANGED),
    ("/transformation-request/<string:request_id>/<any(cancel,delete,retry,'run-again'):action>", "act_on_transform",
     dashboard.act, CHANGED),
    ("/datasets", "datasets_page", datasets.show, SHOWN),
    (f"/datasets/{DATASET_ID}/<any(refresh,forget):action>", "act_on_dataset", datasets.act, CHANGED),
    ("/admin/audit", "audit", admin.audit, SHOWN),
)


def register(app: Flask, services: WebServices) -> None:
    """Add the pages to the app."""
    app.extensions[EXTENSION] = services
    app.context_processor(lambda: {"visitor": visitor(), "accounts_enabled": authentication().enabled})
    for url, endpoint, view, methods in PAGES:
        app.add_url_rule(url, endpoint, view, methods=methods)
