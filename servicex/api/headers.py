"""What every answer tells browsers to do, and not to do, with it."""
from collections.abc import Sequence

from flask import Flask, Response, request

ALWAYS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
                          "magnetometer=(), microphone=(), payment=(), usb=()",
}
ONE_YEAR = 365 * 24 * 3600


def register(app: Flask, form_targets: Sequence[str] = (), frames: Sequence[str] = ()) -> None:
    """Add these headers to every answer of the app.

    `form_targets` are origins that forms may lead to besides ours, such as a provider's page to sign out; `frames` are
    origins of pages that ours may show within themselves.
    """
    policy = content_security_policy(form_targets, frames)

    @app.after_request
    def add(response: Response) -> Response:
        response.headers.update(ALWAYS)
        response.headers["Content-Security-Policy"] = policy
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def content_security_policy(form_targets: Sequence[str] = (), frames: Sequence[str] = ()) -> str:
    """The policy (W3C Content Security Policy 3): what pages load comes from us, and no script stands in a page."""
    parts = ["default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self' data:", "font-src 'self'",
             "connect-src 'self'", " ".join(["form-action 'self'", *form_targets]), "base-uri 'none'",
             "frame-ancestors 'none'"]
    if frames:
        parts.append(" ".join(["frame-src", *frames]))
    return "; ".join(parts)
