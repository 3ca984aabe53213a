"""The buttons of Slack: https://docs.slack.dev/interactivity/handling-user-interaction"""
from typing import Annotated, Any
from urllib.parse import parse_qs

from flask import Response, request
from pydantic import Field, StringConstraints, ValidationError

from servicex.api.auth import Access
from servicex.api.operation import operation
from servicex.api.resource import ServiceXResource
from servicex.api.schemas import Body, Text
from servicex.errors import BadRequest, NotFound
from servicex.services.slack_clicks import Click

LARGEST_BODY = 256 * 1024


class SlackAction(Body):
    """A button that was used."""

    action_id: Text
    value: Text = ""


class SlackUser(Body):
    """Who used it."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,64}$")]
    name: Text = ""


class SlackMessage(Body):
    """The message it is in."""

    blocks: list[dict[str, Any]] = Field(min_length=1)


class SlackPayload(Body):
    """As much as is wanted of what Slack says of it."""

    response_url: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,2000}$")]
    actions: list[SlackAction] = Field(min_length=1)
    user: SlackUser
    message: SlackMessage


class Slack(ServiceXResource):
    """What Slack says when somebody uses a button."""

    @operation(answer=None, failures=(400, 401, 403, 404, 413), access=Access.ANYONE)
    def post(self) -> Response:
        """Approve or reject an account, as a form that Slack has signed says. All answers are empty."""
        signed = self.services.slack_signed
        if signed is None:
            return _empty(403)
        request.max_content_length = LARGEST_BODY
        body = request.get_data()
        return _empty(self._answer(body) if signed(body, dict(request.headers)) else 401)

    def _answer(self, body: bytes) -> int:
        """Do what a signed body says; gives the status."""
        try:
            self.services.slack_clicks.decide(_click(body), request.remote_addr or "")
        except (BadRequest, NotFound) as error:
            return error.status
        return 200


def _click(body: bytes) -> Click:
    """Raises BadRequest."""
    try:
        (payload,) = parse_qs(body.decode(), strict_parsing=True, max_num_fields=10)["payload"]
        said = SlackPayload.model_validate_json(payload)
    except (KeyError, ValidationError, ValueError) as error:
        raise BadRequest("That is no use of a button as Slack describes them.") from error
    return Click(said.actions[0].action_id, said.actions[0].value, said.user.id, said.user.name,
                 said.message.blocks[0], said.response_url)


def _empty(status: int) -> Response:
    return Response(status=status, mimetype="text/html")
