"""From a form to another server."""
from flask import make_response, render_template
from flask.typing import ResponseReturnValue


def leave(url: str, provider: str, done: str = "") -> ResponseReturnValue:
    """A page that leads on by itself, and by a link.

    A form may lead to pages of ours only, also by a redirect (`form-action` in our content security policy); where
    providers have theirs is not known before they are asked.
    """
    response = make_response(render_template("leaving.html", url=url, provider=provider, done=done))
    response.headers["Refresh"] = f"0; url={url}"
    return response
