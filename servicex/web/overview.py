"""The administrators' first page: is all well, who has what running, what fails, what waits."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from flask import render_template
from flask.typing import ResponseReturnValue

from servicex.api.auth import Access
from servicex.errors import Unavailable
from servicex.services.health import FINE, HealthReport
from servicex.services.overview import Controllers, Running
from servicex.web.page import page
from servicex.web.services import services

ADVICE = {
    "database": "Is PostgreSQL up, and SQLALCHEMY_DATABASE_URI right? Nothing is lost meanwhile: transforms go on when "
                "it is back.",
    "broker": "Is RabbitMQ up, and RABBIT_MQ_URL right? Transforms are accepted meanwhile, and begin when it is back.",
    "cluster": "Can the server reach the Kubernetes API, and may its service account do what it has to in "
               "TRANSFORMER_NAMESPACE?",
    "controller": "Does `servicex-app controller` run, and what does its log say? Transforms wait for it."}
Answer = TypeVar("Answer")
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True)
class PartHealth:
    """How one part is, and what to do if it is not well."""

    name: str
    fine: bool
    words: str
    advice: str


@dataclass(frozen=True)
class RunningRow:
    """A transform under way with its workers and what waits in its queue; None is not known."""

    transform: Running
    ready: int | None
    wanted: int | None
    waiting: int | None


@page(Access.ADMIN)
def admin() -> ResponseReturnValue:
    """Everything at a glance."""
    found = services().overview.read()
    return render_template(
        "overview.html", health=health(services().api.health.report(), found.controllers), found=found, size=size,
        running=_rows(found.running), stored=sum(one.bytes for one in found.stored), versions=services().versions)


def health(report: HealthReport, controllers: Controllers) -> Sequence[PartHealth]:
    """How each part is, in words."""
    parts = [PartHealth(name.capitalize(), words == FINE, "answers" if words == FINE else words,
                        "" if words == FINE else ADVICE.get(name, "")) for name, words in report.parts.items()]
    return [*parts, _controller_health(controllers)]


def _controller_health(controllers: Controllers) -> PartHealth:
    if controllers.left_alone and not controllers.at_work:
        return PartHealth("Controller", False, f"none has looked at {controllers.left_alone} transforms for a minute",
                          ADVICE["controller"])
    words = f"{controllers.at_work} at work" if controllers.at_work else "has no work"
    return PartHealth("Controller", True, words, "")


def _rows(running: Sequence[Running]) -> Sequence[RunningRow]:
    rows = []
    ask = True
    for transform in running:
        workers = _known(services().api.workers, transform.request_id) if ask else None
        waiting = _known(services().depth, transform.request_id) if ask else None
        # What is away is asked once, and not for each row.
        ask = ask and not (workers is None and waiting is None)
        rows.append(RunningRow(transform, workers.ready if workers else None, workers.workers if workers else None,
                               waiting))
    return rows


def _known(ask: Callable[[str], Answer | None], request_id: str) -> Answer | None:
    try:
        return ask(request_id)
    except Unavailable:
        return None


def size(number: float) -> str:
    """Bytes for a person, such as `1.5 GB`."""
    power = 0
    while number >= 1000 and power < len(UNITS) - 1:
        number /= 1000
        power += 1
    return f"{number:.0f} {UNITS[power]}" if power == 0 or number >= 100 else f"{number:.1f} {UNITS[power]}"
