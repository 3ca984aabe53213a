"""What pages show, as plain functions: numbers, text of others, queries, plots, and why it is slow."""
import base64
import time
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from servicex.backends.launcher.base import WorkersStatus
from servicex.models import TransformRequest, TransformStatus
from servicex.models.insight import SeenFile
from servicex.services.insights import hosts
from servicex.web import plain_text, query, svg, words
from servicex.web.plots import BINS, Bars, Plot, Series, Totals, bins, plots
from servicex.web.slowness import slowness, state

THEN = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize("count, said", [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (999_960, "1.0 MB"),
                                         (191_070_000_000_000, "191.1 TB"), (None, "–")])
def test_sizes(count: int | None, said: str) -> None:
    assert words.size(count) == said


@pytest.mark.parametrize("seconds, said", [(0.24, "0.2 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"),
                                           (90_000, "1 d 1 h"), (-1, "–"), (None, "–")])
def test_durations(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize("rate, said", [(122.4, "122 files/s"), (2.125, "2.12 files/s"), (0.1, "6 files/min"),
                                        (None, "–")])
def test_rates(rate: float | None, said: str) -> None:
    assert words.rate(rate, "files") == said


def test_text_of_others_is_harmless_and_bounded() -> None:
    assert plain_text.line("\x1b[1;31mred\x1b[0m\n\t alert \x1b]0;title\x07") == "red alert "
    assert plain_text.line("a\u202eb\x00c") == "a\ufffdb\ufffdc"
    assert plain_text.line("x" * 10_000_000) == "x" * plain_text.LINE + "…"
    assert plain_text.block("one\r\ntwo\rthree") == "one\ntwo\nthree"
    assert plain_text.end("first\n" + "last\n" * 10_000, 10) == "…last\nlast\n"
    assert plain_text.line(None) == plain_text.block(None) == plain_text.end(None) == ""


def test_funcadl_has_a_line_for_each_part() -> None:
    lambdas = "(lambda (list e) (dict (list 'pt' 'eta') (list (attr e 'Muon_pt') (attr e 'Muon_eta'))))"
    assert query.formatted(f"(call Select (call EventDataset) {lambdas})") == (
        f"(call Select\n  (call EventDataset)\n  {lambdas})")


@pytest.mark.parametrize("text", ["(", ")", "())", "(call) more", "(" * 20_000, "(" * 5000 + ")" * 5000, "'(", ""])
def test_what_is_no_query_stays_as_it_is(text: str) -> None:
    assert query.formatted(text) == text


def test_query_is_shown_in_its_language() -> None:
    source = "def run_query(input_filenames=None):\n    return '<b>'\n"
    python = query.query(base64.b64encode(source.encode()).decode(), "python")
    assert python.language == "Python" and '<span class="k">def</span>' in python.text and "<b>" not in python.text
    raw = query.query('[{"treename":"t"}]', "uproot-raw")
    assert raw.language == "JSON" and "\n" in raw.text
    assert query.query("(call EventDataset)", "uproot").language == "FuncADL"
    assert query.query("<i>", "atlasr22").text == "&lt;i&gt;"
    assert query.query(None, "").text == ""


def test_long_query_costs_little() -> None:
    for long, generator in (("[" * 1_000_000, "uproot-raw"), ("(a " * 300_000, "uproot"), ("A" * 1_200_000, "python")):
        begun = time.perf_counter()
        shown = query.query(long, generator)
        assert time.perf_counter() - begun < 0.5 and len(shown.text) < 200_000 and shown.cut


def seen(count: int, failed: int = 0) -> list[SeenFile]:
    """Files that took two seconds each, one begun every second."""
    return [SeenFile(THEN + timedelta(seconds=n + 2), 2.0, 100, n >= failed) for n in range(count)]


def test_sample_is_scaled_to_what_was_counted() -> None:
    binned = bins(seen(96, failed=6), Totals(9000, 600, 960_000, 19_200.0))
    assert sum(binned.done) == pytest.approx(9000) and sum(binned.failed) == pytest.approx(600)
    assert sum(binned.events) == pytest.approx(960_000)
    # Each second 100 files are begun, each of them for two seconds.
    assert binned.work[BINS // 2] / binned.width == pytest.approx(200, rel=0.02)


def test_plots_say_in_words_what_they_show() -> None:
    found = {plot.name: plot for plot in plots(seen(96), Totals(96, 0, 9600, 192.0))}
    assert found["files"].series[0].points[-1][1] == pytest.approx(96)
    assert "Done: 96, failed: 0, within 1 min 37 s" in found["files"].words
    assert "on average 99 events/s" in found["events"].words
    assert "At most 2 files" in found["workers"].words
    assert "Half of the files took less than 2.0 s" in found["times"].words
    assert plots(seen(1), Totals(1, 0, 100, 2.0)) == () == plots([], Totals(0, 0, 0, 0.0))


@pytest.mark.parametrize("files", [[SeenFile(THEN, 0.0, 0, True)] * 2, [SeenFile(THEN, 0.0, 0, False)] * 5,
                                   [SeenFile(THEN + timedelta(days=n), 1e6 * n, 10 ** 15, True) for n in range(3)]])
def test_odd_results_are_drawn_too(files: list[SeenFile]) -> None:
    for plot in plots(files, Totals(len(files), 3, 10 ** 18, 1e9)):
        ElementTree.fromstring(svg.draw(plot))
        assert "nan" not in svg.draw(plot) and "inf" not in svg.draw(plot)


def test_drawing_is_text_for_who_cannot_see_it() -> None:
    line = Series("<done>", "good", [(0, 0), (10, 220_000)])
    drawing = svg.draw(Plot("x", "Title <b>", "hours & more", "files", "It grows.", [line, line]))
    root = ElementTree.fromstring(drawing)
    labels = [text for text in root.itertext()]
    assert {"Title <b>", "It grows.", "hours & more", "files", "<done>", "250k"} <= set(labels)
    assert root.get("role") == "img" and "style" not in drawing


def test_bars_stand_where_they_should() -> None:
    drawing = svg.draw(Plot("x", "t", "s", "files", "w", bars=Bars(5.0, 1.0, [2.0, 0.0, 4.0])))
    bars = [bar for bar in ElementTree.fromstring(drawing) if bar.tag.endswith("rect")]
    tall = [float(bar.get("height", 0)) for bar in bars]
    assert len(bars) == 2 and tall[1] == pytest.approx(2 * tall[0], abs=0.2)


@pytest.mark.parametrize("low, high, expected", [(0, 10, [0, 2, 4, 6, 8, 10]), (0, 1, [0, .2, .4, .6, .8, 1]),
                                                 (4, 61, [20, 40, 60]), (0, 7, [0, 2, 4, 6])])
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert list(svg.ticks(low, high)) == pytest.approx(expected)


def test_hosts_are_counted_once_a_file() -> None:
    found = hosts([("root://a.org//1", "https://a.org/1", "root://b.org//1"), ("root://a.org//2",), ("/data/3",),
                   ("http://[bad",)])
    assert found == {"a.org": 2, "b.org": 1, "local files": 2}


def running(**more: int) -> TransformRequest:
    """A transform that runs."""
    return TransformRequest(status=TransformStatus.RUNNING, **{"files": 100, "files_completed": 10, "files_failed": 0,
                                                               **more})


@pytest.mark.parametrize("workers, said", [
    (None, "no workers yet"),
    (WorkersStatus(4, 0, {"unschedulable": 3}), "3 of 4 workers wait for room"),
    (WorkersStatus(4, 2, {"failing": 2}), "do not start"),
    (WorkersStatus(4, 3, {"running": 3}), "1 of 4 workers are still starting"),
    (WorkersStatus(4, 4, {"waiting": 3, "transforming": 1}), "wait for a file or for their turn"),
    (WorkersStatus(4, 4, {"storing": 3, "transforming": 1}), "store results"),
    (WorkersStatus(2, 0, trouble="The image cannot be pulled."), "The image cannot be pulled.")])
def test_what_is_slow_is_said(workers: WorkersStatus | None, said: str) -> None:
    assert said in " ".join(slowness(running(), workers, 1.0))


def test_nothing_is_slow_where_all_work_or_all_is_over() -> None:
    assert slowness(running(), WorkersStatus(4, 4, {"transforming": 4}), 1.0) == ()
    assert slowness(TransformRequest(status=TransformStatus.COMPLETE), None, None) == ()


def test_each_state_is_said_in_words() -> None:
    for status in TransformStatus:
        assert state(TransformRequest(status=status, files=2, files_failed=1)).endswith(".")
