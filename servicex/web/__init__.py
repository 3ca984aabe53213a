"""Pages for people. The URL table, whole:"""
from collections.abc import Callable

from flask import Flask
from flask.typing import ResponseReturnValue

from servicex.api.auth import authentication
from servicex.web import admin, device, frames, home, overview, profile, sign_in, start, tokens
from servicex.web.page import visitor
from servicex.web.services import EXTENSION, WebServices

Page = tuple[str, str, Callable[..., ResponseReturnValue], tuple[str, ...]]
SHOWN, CHANGED = ("GET",), ("POST",)
USER_ID = "<int(max=2147483647):user_id>"
TOKEN_ID = "<int(max=2147483647):token_id>"

# URL, endpoint, view, methods
PAGES: tuple[Page, ...] = (
    ("/", "home", home.home, SHOWN),
    ("/about", "about", home.about, SHOWN),
    ("/get-started", "get_started", start.get_started, SHOWN),
    ("/monitor", "monitor", frames.monitor, SHOWN),
    ("/logs", "logs", frames.logs, SHOWN),
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
    ("/admin", "admin", overview.admin, SHOWN),
    ("/admin/accounts", "accounts", admin.accounts, SHOWN),
    (f"/admin/accounts/{USER_ID}/approve", "approve_account", admin.approve, CHANGED),
    (f"/admin/accounts/{USER_ID}/delete", "delete_account", admin.delete, CHANGED),
    (f"/admin/accounts/{USER_ID}/admin", "set_admin", admin.set_admin, CHANGED),
    ("/admin/audit", "audit", admin.audit, SHOWN),
)


def register(app: Flask, services: WebServices) -> None:
    """Add the pages to the app."""
    app.extensions[EXTENSION] = services
    app.context_processor(lambda: {
        "visitor": visitor(), "accounts_enabled": authentication().enabled, "framed": services.framed})
    for url, endpoint, view, methods in PAGES:
        app.add_url_rule(url, endpoint, view, methods=methods)
