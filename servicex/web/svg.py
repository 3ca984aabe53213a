"""Plots drawn as SVG 1.1: the same within a page, where its style sheet has the last word on colours, and alone."""
import math
from collections.abc import Sequence
from html import escape

from servicex.web.plots import Plot, Series

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 74, 16, 44, 60
COLOURS = {"good": "#14633a", "bad": "#a4160b", "plain": "#0b57a4"}
INK, GRID = "#3a424d", "#d3d9e1"
TICKS = 5
FONT = 'font-family="DejaVu Sans, Arial, sans-serif" font-size="15"'


def draw(plot: Plot) -> str:
    """The plot as an `svg` element."""
    axes = Axes(plot)
    parts = [_title(plot), axes.draw(plot), *_bars(plot, axes), *(_line(one, axes) for one in plot.series),
             *_legend(plot.series)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}" role="img" aria-labelledby="plot-{plot.name} plot-{plot.name}-words" {FONT}>'
            + "".join(parts) + "</svg>")


class Axes:
    """From values to places on the drawing."""

    def __init__(self, plot: Plot):
        points = [point for one in plot.series for point in one.points]
        self.low = plot.bars.start if plot.bars else 0.0
        right = plot.bars.start + plot.bars.width * len(plot.bars.heights) if plot.bars else 0.0
        self.high = max([right, *(x for x, _ in points)]) or 1.0
        if self.high <= self.low:
            self.high = self.low + 1.0
        highest = max([*(plot.bars.heights if plot.bars else ()), *(y for _, y in points), 0.0])
        self.top = max(ticks(0.0, highest or 1.0, beyond=True))

    def x(self, value: float) -> float:
        """How far from the left."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.low) / (self.high - self.low)

    def y(self, value: float) -> float:
        """How far from the top."""
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top

    def draw(self, plot: Plot) -> str:
        """The grid, its numbers, and what they mean."""
        parts = []
        for value in ticks(0.0, self.top):
            place = f"{self.y(value):.1f}"
            parts.append(f'<line class="plot-grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place}" y2="{place}" '
                         f'stroke="{GRID}"/>' + _text(LEFT - 8, self.y(value) + 4, short(value), "end"))
        for value in ticks(self.low, self.high):
            parts.append(_text(self.x(value), HEIGHT - BOTTOM + 22, short(value), "middle"))
        parts.append(_text(WIDTH / 2, HEIGHT - 8, plot.x_label, "middle"))
        parts.append(_text(LEFT - 8, TOP - 24, plot.y_label, "start" if len(plot.y_label) > 9 else "end"))
        return "".join(parts)


def ticks(low: float, high: float, beyond: bool = False) -> Sequence[float]:
    """Round numbers from `low` to `high`, about TICKS of them; the last one above `high` if it may be `beyond`."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), high / step
    end = math.ceil(last - 1e-9) if beyond else math.floor(last + 1e-9)
    return [place * step for place in range(first, end + 1)]


def short(value: float) -> str:
    """A number with few characters: 220k, 1.5M."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}" if letter else f"{value / 1000:g}k"
    return f"{value:.4g}"


def _title(plot: Plot) -> str:
    return (f'<title id="plot-{plot.name}">{escape(plot.title)}</title>'
            f'<desc id="plot-{plot.name}-words">{escape(plot.words)}</desc>')


def _line(one: Series, axes: Axes) -> str:
    points = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in one.points)
    return (f'<polyline class="plot-{one.kind}" fill="none" stroke="{COLOURS[one.kind]}" stroke-width="2" '
            f'stroke-linejoin="round" points="{points}"/>')


def _bars(plot: Plot, axes: Axes) -> Sequence[str]:
    if plot.bars is None:
        return ()
    width = axes.x(plot.bars.start + plot.bars.width) - axes.x(plot.bars.start)
    return [f'<rect class="plot-bar" x="{axes.x(plot.bars.start + place * plot.bars.width):.1f}" '
            f'y="{axes.y(height):.1f}" width="{max(0.5, width - 1):.1f}" '
            f'height="{HEIGHT - BOTTOM - axes.y(height):.1f}" fill="{COLOURS["plain"]}"/>'
            for place, height in enumerate(plot.bars.heights) if height]


def _legend(series: Sequence[Series]) -> Sequence[str]:
    """What the lines are, where there are several: in words, since colours alone are not for everybody."""
    if len(series) < 2:
        return ()
    return [f'<line class="plot-{one.kind}" stroke="{COLOURS[one.kind]}" stroke-width="2" x1="{x}" x2="{x + 24}" '
            f'y1="{TOP - 29}" y2="{TOP - 29}"/>' + _text(x + 30, TOP - 24, one.label, "start")
            for x, one in zip(range(WIDTH - RIGHT - 110 * len(series), WIDTH, 110), series, strict=False)]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (f'<text class="plot-text" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">'
            f'{escape(text)}</text>')
