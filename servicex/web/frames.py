"""Pages of others that ours show within themselves: how the cluster is, and its logs."""
from flask import render_template
from flask.typing import ResponseReturnValue

from servicex.api.auth import Access
from servicex.web.page import page
from servicex.web.services import services


@page(Access.USER)
def monitor() -> ResponseReturnValue:
    """How the cluster is."""
    return render_template("frame.html", title="Monitor", url=services().framed["monitor"], setting="MONITOR_URL")


@page(Access.USER)
def logs() -> ResponseReturnValue:
    """What server and transformers print."""
    return render_template("frame.html", title="Logs", url=services().framed["logs"], setting="LOGS_URL")
