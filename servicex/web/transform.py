"""The page of one transform, and those of its files, failures, logs, program and plots."""
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from servicex.api.addresses import public_url
from servicex.api.auth import Access, authentication
from servicex.errors import NotFound, ServiceXError, Unavailable
from servicex.backends.launcher.base import WorkersStatus
from servicex.models import Dataset, TransformRequest, TransformStatus
from servicex.models.insight import FileRow
from servicex.services.insights import LAST, FailureGroup, Insight, Place
from servicex.services.submissions import OBJECT_STORE
from servicex.web import plain_text, query, slowness, svg, words
from servicex.web.page import acting, page
from servicex.web.plots import Totals, plots
from servicex.web.services import services

UNTITLED = "Untitled"
LIST_DID = "File list provided in the request"
CAUSES_ON_PAGE = 5
HOSTS_ON_PAGE = 12
PROGRAM_FILES = 12
LOG_LINES = 500
MIMETYPES = {"svg": "image/svg+xml", "png": "image/png"}


@page(Access.USER)
def show(id_: str) -> ResponseReturnValue:
    """One transform."""
    insight = services().insights.of(acting(), id_)
    transform = insight.transform
    workers = _workers(transform)
    drawn = plots(insight.seen, totals(transform))
    return render_template(
        "transform.html", t=transform, title=title(transform), did=did(transform),
        state=slowness.state(transform),
        why=why(insight), progress=progress(transform), counts=counts(insight), timeline=timeline(insight),
        details=details(insight, authentication().enabled),
        query=query.query(transform.selection, _generator(transform)),
        plots=[(plot, svg.draw(plot)) for plot in drawn], sampled=len(insight.seen) < transform.files_reported,
        seen=len(insight.seen), hosts=hosts(insight), failures=insight.failures,
        causes=[group_shown(group) for group in insight.failures.groups[:CAUSES_ON_PAGE]],
        workers=workers_shown(workers), actions=actions(transform),
        slow=slowness.slowness(transform, workers, insight.rate),
        snippet=query.shown(snippet(transform), "Python") if transform.result_destination == OBJECT_STORE else None)


@page(Access.USER)
def results(id_: str) -> ResponseReturnValue:
    """Its files, a page of them."""
    status = request.args.get("status") or None
    place = Place(_key("after"), _key("before"), max(1, request.args.get("page", 1, type=int)))
    found = services().insights.files(acting(), id_, status, place)
    waiting = "not transformed" if found.transform.status.terminal else "waiting"
    return render_template("transform_results.html", t=found.transform, title=title(found.transform), status=status,
                           rows=[file_shown(row, waiting) for row in found.rows], found=found, last=LAST)


@page(Access.USER)
def failures(id_: str) -> ResponseReturnValue:
    """Why files failed, by cause."""
    transform = services().api.transforms.get(acting(), id_)
    found = services().insights.failures(acting(), id_)
    return render_template("transform_failures.html", t=transform, title=title(transform), failures=found,
                           causes=[group_shown(group) for group in found.groups])


@page(Access.USER)
def logs(id_: str) -> ResponseReturnValue:
    """What its workers print; when they are gone, the last lines for each file that failed."""
    transform, rows, more = services().insights.logs(acting(), id_, _key("after") or 0)
    printed, away = "", ""
    try:
        printed = services().api.logs(transform.request_id, LOG_LINES)
    except Unavailable as error:
        away = error.message
    return render_template(
        "transform_logs.html", t=transform, title=title(transform), printed=plain_text.end(printed), away=away,
        more=more,
        rows=[(row, plain_text.line(row.path), plain_text.line(row.error), plain_text.end(row.log, 5000))
              for row in rows])


@page(Access.USER)
def code(id_: str) -> ResponseReturnValue:
    """The program that was generated for it."""
    transform, program = services().insights.program(acting(), id_)
    files = [(plain_text.line(name, 200), words.size(len(content)), query.source(name, content))
             for name, content in sorted(program.items())[:PROGRAM_FILES]]
    return render_template("transform_code.html", t=transform, title=title(transform), files=files,
                           more=max(0, len(program) - PROGRAM_FILES))


@page(Access.USER)
def plot(id_: str, file: str) -> ResponseReturnValue:
    """One of its plots, as a file for a report: `files.svg`, `events.png`."""
    transform, seen = services().insights.seen(acting(), id_)
    name, _, kind = file.partition(".")
    found = next((one for one in plots(seen, totals(transform)) if one.name == name), None)
    if found is None or kind not in MIMETYPES:
        raise NotFound("There is no such plot, or there are no results to plot yet.")
    drawing = svg.draw(found)
    return Response(_png(drawing) if kind == "png" else drawing, mimetype=MIMETYPES[kind], headers={
        "Content-Disposition": f"attachment; filename={name}-{transform.request_id}.{kind}"})


def _png(drawing: str) -> bytes:
    import resvg_py  # of some megabytes, and seldom wanted
    return bytes(resvg_py.svg_to_bytes(svg_string=drawing, background="#ffffff", zoom=2))


def _key(name: str) -> int | None:
    """A file id in the URL; None if there is none that could be one."""
    given = request.args.get(name, type=int)
    return given if given is not None and 0 <= given <= LAST else None


def _workers(transform: TransformRequest) -> WorkersStatus | None:
    """What its workers do; None if there are none, or what runs them does not answer."""
    if transform.status.terminal:
        return None
    try:
        return services().api.workers(transform.request_id)
    except ServiceXError:
        return None


def _generator(transform: TransformRequest) -> str:
    return transform.codegen or transform.code_gen_image or ""


# What the templates show, from what was read


def title(transform: TransformRequest) -> str:
    """What the transform is called."""
    return plain_text.line(transform.title, plain_text.TITLE).strip() or UNTITLED


def totals(transform: TransformRequest) -> Totals:
    """What the transform has counted."""
    return Totals(transform.files_completed, transform.files_failed, transform.total_events, transform.total_time)


@dataclass(frozen=True)
class Why:
    """Why a transform failed, or some of its files: what to say, how bad it is, and what may help."""

    bad: bool
    words: str
    hint: str


def why(insight: Insight) -> Why | None:
    """What failed, if anything did."""
    transform, groups = insight.transform, insight.failures.groups
    all_failed = transform.status is TransformStatus.FATAL and transform.files_failed == transform.files > 0
    if groups and (all_failed or not transform.failure_description):
        return Why(all_failed, _why_files_failed(insight), groups[0].group.cause.hint)
    if transform.failure_description:
        return Why(True, plain_text.line(transform.failure_description, 1000), "")
    return None


def _why_files_failed(insight: Insight) -> str:
    failed, commonest = insight.transform.files_failed, insight.failures.groups[0].group
    share = f", {words.number(commonest.count)} of them for this" if insight.failures.causes > 1 else ""
    return f"{words.number(failed)} {_files(failed)} failed{share}: {plain_text.line(commonest.cause.words)}"


def _files(count: int) -> str:
    return "file" if count == 1 else "files"


@dataclass(frozen=True)
class Progress:
    """How far a transform is, in files; `percent` rounded down, so that it is 100 only at the end."""

    done: int
    failed: int
    total: int

    @property
    def percent(self) -> int:
        return (self.done + self.failed) * 100 // self.total if self.total else 0


def progress(transform: TransformRequest) -> Progress:
    """How far the transform is."""
    return Progress(transform.files_completed, transform.files_failed, transform.files)


def counts(insight: Insight) -> list[tuple[str, str, str]]:
    """What is shown at the top: a word, a value, and the key that live pages find it by."""
    t = insight.transform
    left = t.files_remaining
    shown = [("Done", words.number(t.files_completed), "files-completed"),
             ("Failed", words.number(t.files_failed), "files-failed"),
             ("Files", words.number(t.files) if t.files else "unknown", "files-total"),
             ("Rate", words.rate(insight.rate, "files"), "rate")]
    if not t.status.terminal:
        remaining = words.duration(left / insight.rate) if left and insight.rate else words.UNKNOWN
        return [*shown, ("Time left", remaining, "time-left")]
    took = (t.finish_time - t.submit_time).total_seconds() if t.finish_time else None
    return [*shown, ("Took", words.duration(took), "took")]


def actions(transform: TransformRequest) -> list[tuple[str, str]]:
    """What can be done with the transform: the word in the URL, and that on the button."""
    if not transform.status.terminal:
        return [("cancel", "Cancel")]
    retry = [("retry", "Retry the failed files")] if transform.files_failed else []
    return [*retry, ("run-again", "Run again"), ("delete", "Delete")]


def timeline(insight: Insight) -> list[tuple[str, datetime, str]]:
    """What happened when, and how long after the step before; what is not known is left out."""
    t, dataset = insight.transform, insight.dataset
    looked_up = dataset.last_updated if dataset and _looked_up_for(t, dataset) else None
    steps = [("Submitted", t.submit_time), ("Dataset looked up", looked_up), ("First file begun", insight.first_start),
             ("First result", insight.first_result), (t.status.text if t.status.terminal else "", t.finish_time)]
    known = [(words_, at) for words_, at in steps if at is not None and words_]
    waits = [words.duration((at - before).total_seconds())
             for (_, before), (_, at) in zip(known, known[1:], strict=False)]
    return [(what, at, f"+{wait}" if wait != words.UNKNOWN else "")
            for (what, at), wait in zip(known, [words.UNKNOWN, *waits], strict=True)]


def _looked_up_for(t: TransformRequest, dataset: Dataset) -> bool:
    """Whether the look-up of the dataset has ended, and since the transform was submitted: else it was known."""
    return t.did_lookup_time is not None and dataset.last_updated >= t.submit_time


def details(insight: Insight, accounts: bool) -> list[tuple[str, str]]:
    """What else there is to know."""
    t = insight.transform
    took = t.did_lookup_time
    shown = [
        ("ID", str(t.id)), ("Request ID", t.request_id), ("Status", t.status.text),
        ("Submitted by", plain_text.line(insight.owner) or "nobody who is known") if accounts else ("", ""),
        ("Submitted at", words.moment(t.submit_time)), ("Data ID", did(t)), ("Result Format", t.result_format),
        ("Results go to", t.result_destination), ("Code generator", plain_text.line(_generator(t))),
        ("Files", words.number(t.files)), ("Files Remaining", words.number(t.files_remaining)),
        ("Files Failed", words.number(t.files_failed)), ("Total Events", words.number(t.total_events)),
        ("Total Size", words.size(t.total_bytes)),
        ("DID Lookup Time", words.UNKNOWN if took is None else words.duration(float(took))),
        ("Workers", words.number(t.workers)), ("Image", plain_text.line(t.image)),
        ("Failure Description", plain_text.line(t.failure_description, 1000))]
    return [(name, value or words.UNKNOWN) for name, value in shown
            if name and (value or name not in ("Failure Description", "Image", "Code generator"))]


def did(transform: TransformRequest) -> str:
    """The name of its dataset."""
    return plain_text.line(transform.did, 1024) if "://" in transform.did else LIST_DID


def hosts(insight: Insight) -> list[tuple[str, str]]:
    """Where the replicas are, each host with how many of the files it has, or which share of them."""
    whole = insight.files_asked >= insight.transform.files
    return [(plain_text.line(host, 100),
             f"{words.number(count)} {_files(count)}" if whole else f"about {100 * count / insight.files_asked:.0f} %")
            for host, count in list(insight.hosts.items())[:HOSTS_ON_PAGE]]


def workers_shown(workers: WorkersStatus | None) -> list[tuple[str, int]]:
    """How many workers there are, and how many are in each state."""
    if workers is None:
        return []
    return [("workers", workers.workers), ("ready", workers.ready), *sorted(workers.states.items())]


def group_shown(group: FailureGroup) -> dict[str, Any]:
    """The files that failed for one cause."""
    example = group.example
    return {"count": words.number(group.group.count), "files": _files(group.group.count),
            "cause": plain_text.line(group.group.cause.words), "hint": group.group.cause.hint, "id": example.file_id,
            "paths": [plain_text.line(path, 1000) for path in example.paths[:10]],
            "host": plain_text.line(example.host), "attempts": example.attempts,
            "message": plain_text.line(example.message, 1200),
            "trace": plain_text.end(example.trace, 4000), "log": plain_text.end(example.log, 4000)}


def file_shown(row: FileRow, waiting: str) -> dict[str, Any]:
    """One row of the table of files."""
    return {"id": row.file_id, "path": plain_text.line(row.path, 1000), "status": row.status or waiting,
            "kind": {"success": "good", "failure": "bad"}.get(row.status, "wait"),
            "host": plain_text.line(row.host, 128) or words.UNKNOWN, "attempts": row.attempts or words.UNKNOWN,
            "time": words.duration(row.seconds), "events": words.number(row.events), "size": words.size(row.size),
            "rate": words.rate(row.rate or None, "events")}


def snippet(transform: TransformRequest) -> str:
    """A program that fetches the results, with the client as it is."""
    backend = f'backend="{_generator(transform)}"' if authentication().enabled else f'url="{public_url()}"'
    return SNIPPET.format(backend=backend, request_id=transform.request_id)


SNIPPET = '''import asyncio

from servicex.minio_adapter import MinioAdapter
from servicex.servicex_client import ServiceXClient


async def fetch(request_id, folder):
    client = ServiceXClient({backend})
    transform = await client.get_transform_status_async(request_id)
    store = MinioAdapter.for_transform(transform)
    return [await store.download_file(file.filename, folder) for file in await store.list_bucket()]


paths = asyncio.run(fetch("{request_id}", "results"))
print(paths)
'''
