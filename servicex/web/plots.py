"""What is plotted of a transform: from its results, or a sample of them, to points. Drawn in `svg`."""
from collections.abc import Sequence
from dataclasses import dataclass

from servicex.models.insight import SeenFile
from servicex.web import words

BINS = 48
TIME_UNITS = ((3 * 86_400, 86_400, "days"), (3 * 3_600, 3_600, "hours"), (180, 60, "minutes"), (0, 1, "seconds"))


@dataclass(frozen=True)
class Series:
    """Points joined by a line; `kind` is `good`, `bad` or `plain`."""

    label: str
    kind: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Bars:
    """Bars of equal width, the first from `start` on."""

    start: float
    width: float
    heights: Sequence[float]


@dataclass(frozen=True)
class Plot:
    """A plot; `name` is that of its file, `words` say what it shows to who cannot see it."""

    name: str
    title: str
    x_label: str
    y_label: str
    words: str
    series: Sequence[Series] = ()
    bars: Bars | None = None


@dataclass(frozen=True)
class Totals:
    """What the transform has counted of all its results, which a sample is scaled to; time in seconds."""

    completed: int
    failed: int
    events: int
    seconds: float


@dataclass(frozen=True)
class Binned:
    """The results by time, in bins of `width` seconds: files done and failed in each, events, seconds of work."""

    width: float
    done: Sequence[float]
    failed: Sequence[float]
    events: Sequence[float]
    work: Sequence[float]


def plots(seen: Sequence[SeenFile], totals: Totals) -> Sequence[Plot]:
    """All plots of a transform; none as long as there is less than two results."""
    if len(seen) < 2:
        return ()
    binned = bins(seen, totals)
    return [files(binned, totals), events(binned), workers(binned), times(seen, totals.completed + totals.failed)]


def bins(seen: Sequence[SeenFile], totals: Totals) -> Binned:
    """The results by time, from when the first of them was begun on, scaled to the totals."""
    ends = [file.at.timestamp() for file in seen]
    begin = min(end - file.seconds for end, file in zip(ends, seen, strict=True))
    width = max(max(ends) - begin, 1e-3) / BINS
    done, failed, counted, work = ([0.0] * BINS for _ in range(4))
    for end, file in zip(ends, seen, strict=True):
        place = min(BINS - 1, int((end - begin) / width))
        (done if file.success else failed)[place] += 1
        counted[place] += file.events
        _spread_work(work, (end - file.seconds - begin) / width, (end - begin) / width)
    return Binned(width, _scaled(done, totals.completed), _scaled(failed, totals.failed),
                  _scaled(counted, totals.events), _scaled(work, totals.seconds))


def _spread_work(work: list[float], start: float, end: float) -> None:
    """Add the time from `start` to `end`, in bins, to the bins it is in."""
    for place in range(max(0, int(start)), min(BINS - 1, int(end)) + 1):
        work[place] += max(0.0, min(end, place + 1) - max(start, place))


def _scaled(values: Sequence[float], total: float) -> Sequence[float]:
    there = sum(values)
    return [value * total / there for value in values] if there else values


def files(binned: Binned, totals: Totals) -> Plot:
    """Files over time."""
    unit, name = _unit(binned.width * BINS)
    lines = [Series("done", "good", _summed(binned.done, binned.width / unit))]
    if totals.failed:
        lines.append(Series("failed", "bad", _summed(binned.failed, binned.width / unit)))
    half = next((place for place, count in enumerate(_summed(binned.done, binned.width))
                 if count[1] >= totals.completed / 2), 0)
    said = (f"Done: {words.number(totals.completed)}, failed: {words.number(totals.failed)}, within "
            f"{words.duration(binned.width * BINS)}; half of those done were so after "
            f"{words.duration(half * binned.width)}.")
    return Plot("files", "Files over time", f"{name} since the first file was begun", "files", said, lines)


def events(binned: Binned) -> Plot:
    """Events a second over time."""
    unit, name = _unit(binned.width * BINS)
    rates = [count / binned.width for count in binned.events]
    said = (f"At most {words.rate(max(rates), 'events')}, on average {words.rate(sum(rates) / BINS, 'events')}, "
            f"at the end {words.rate(rates[-1], 'events')}.")
    return Plot("events", "Events per second", f"{name} since the first file was begun", "events/s", said,
                [Series("events/s", "plain", _middles(rates, binned.width / unit))])


def workers(binned: Binned) -> Plot:
    """How many files were being transformed at once, over time: as many workers were busy."""
    unit, name = _unit(binned.width * BINS)
    busy = [seconds / binned.width for seconds in binned.work]
    said = f"At most {max(busy):,.0f} files were transformed at once, on average {sum(busy) / BINS:,.1f}."
    return Plot("workers", "Busy workers", f"{name} since the first file was begun", "files being transformed", said,
                [Series("busy workers", "plain", _middles(busy, binned.width / unit))])


def times(seen: Sequence[SeenFile], count: int) -> Plot:
    """How long files took."""
    ordered = sorted(file.seconds for file in seen)
    low, high = ordered[0], ordered[-1]
    unit, name = _unit(high)
    width = max(high - low, 1e-3) / (BINS // 2)
    heights = [0.0] * (BINS // 2)
    for seconds in ordered:
        heights[min(len(heights) - 1, int((seconds - low) / width))] += count / len(seen)
    said = (f"Half of the files took less than {words.duration(ordered[len(ordered) // 2])}, nine of ten less than "
            f"{words.duration(ordered[len(ordered) * 9 // 10])}, the slowest {words.duration(high)}.")
    return Plot("times", "Time per file", name, "files", said, bars=Bars(low / unit, width / unit, heights))


def _unit(seconds: float) -> tuple[float, str]:
    return next((length, name) for least, length, name in TIME_UNITS if seconds >= least)


def _summed(counts: Sequence[float], width: float) -> Sequence[tuple[float, float]]:
    points, total = [(0.0, 0.0)], 0.0
    for place, count in enumerate(counts, 1):
        total += count
        points.append((place * width, total))
    return points


def _middles(values: Sequence[float], width: float) -> Sequence[tuple[float, float]]:
    return [((place + 0.5) * width, value) for place, value in enumerate(values)]
