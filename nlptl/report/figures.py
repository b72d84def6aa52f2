"""Draws plots as inline SVG in the colours of the page around them, light or dark.

No text of the user's data is drawn: it stands in the page's tables, where any script and any length is shown well.
"""

import io
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns of a slow start, and of folders it may not write

WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT, TOP = 320, 214, 50, 40, 10, 18
"""Of a figure and its margins, in CSS pixels."""
DPI = 72  # then a point of the figure is a pixel of the page
COLOURS = {"#010000": "currentColor", "#020000": "var(--grid)", "#030000": "var(--c1)", "#040000": "var(--c2)"}
"""What is drawn in these colours gets the page's."""
INK, GRID, FIRST, SECOND = COLOURS
PAGE = "#170000"
COLOURS[PAGE] = "var(--page)"
SERIES = tuple(f"#{n:02}0000" for n in range(11, 17))
"""Colours of methods, in the page --s1 to --s6."""
COLOURS |= {drawn: f"var(--s{n})" for n, drawn in enumerate(SERIES, 1)}
MOST_POINTS = 400
"""Points of a line; of more, means of neighbours are drawn."""
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "nlptl",
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.formatter.use_mathtext": False,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 4),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.6,
}


@dataclass(frozen=True)
class Points:
    """A line of a figure."""

    x: Sequence[float]
    y: Sequence[float]

    def thinned(self) -> "Points":
        """Returns at most `MOST_POINTS` points, each the mean of neighbours."""
        size = -(-len(self.x) // MOST_POINTS)
        if size <= 1:
            return self
        x, y = ([sum(v[i : i + size]) / len(v[i : i + size]) for i in range(0, len(v), size)] for v in (self.x, self.y))
        return Points(x, y)


def line(points: Points, x_label: str, y_label: str, marks: Sequence[float] = (), best: float | None = None) -> str:
    """Returns a line, such as the loss by update.

    Args:
        points: the line; a single point is drawn as a dot.
        x_label: name of the x axis, with its unit.
        y_label: name of the y axis, with its unit.
        marks: places on the x axis that are marked, such as skipped updates.
        best: the x at which a dot is drawn.
    """
    with styled():
        figure, axes = framed(x_label, y_label)
        thin = points.thinned()
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.plot(thin.x, thin.y, color=FIRST, marker="o" if len(thin.x) < 20 else "", markersize=3.5)
        if best is not None and best in points.x:
            axes.plot([best], [points.y[list(points.x).index(best)]], "o", color=SECOND, markersize=8, fillstyle="none")
        for x in marks:
            axes.axvline(x, ymax=0.05, color=SECOND)
        return svg(figure, f"{y_label} by {x_label}")


def reliability(stated: Sequence[float], true: Sequence[tuple[float, float, float]]) -> str:
    """Returns the share that is true, with its interval, by stated probability, beside the line of equality.

    Args:
        stated: mean probability of each bin.
        true: the share and the ends of its interval.
    """
    with styled():
        figure, axes = framed("stated probability", "share that is true")
        axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=(0, (3, 3)), alpha=0.6)
        ends = [[v - low for v, low, _ in true], [high - v for v, _, high in true]]
        values = [v for v, _, _ in true]
        axes.errorbar(stated, values, yerr=ends, color=FIRST, marker="o", markersize=3.5, elinewidth=1, capsize=0)
        low = min(*stated, *(low for _, low, _ in true))
        axes.set_xlim(max(0.0, low - 0.05), 1.02)
        axes.set_ylim(max(0.0, low - 0.05), 1.02)
        return svg(figure, "share that is true by stated probability")


def coverage(share: Sequence[float], accuracy: Sequence[float], of: str) -> str:
    """Returns the accuracy among the most confident decisions, by the share of decisions that they are.

    Args:
        share: from 0 to 1.
        accuracy: from 0 to 1.
        of: what a decision is about, in the plural.
    """
    with styled():
        figure, axes = framed(f"share of {of} kept", "accuracy among them")
        axes.plot(share, accuracy, color=FIRST, marker="o" if len(share) < 20 else "", markersize=3.5)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(top=1.02)
        return svg(figure, f"accuracy by share of {of} kept")


def scatter(labels: Sequence[float], predictions: Sequence[float]) -> str:
    """Returns predicted by labelled numbers, beside the line on which both are equal."""
    with styled():
        figure, axes = framed("label", "prediction")
        ends = [min(*labels, *predictions), max(*labels, *predictions)]
        axes.plot(ends, ends, color=INK, linewidth=1, linestyle=(0, (3, 3)), alpha=0.6)
        axes.plot(labels, predictions, "o", color=FIRST, markersize=3, alpha=0.5, markeredgewidth=0)
        return svg(figure, "prediction by label")


@contextmanager
def styled() -> Iterator[None]:
    """Gives plots the page's style until exit."""
    with mpl.rc_context(STYLE):
        yield


def framed(x_label: str, y_label: str, size: tuple[float, float] = (WIDTH, HEIGHT)) -> tuple[Figure, Axes]:
    """Returns an empty figure with its axes; call within `styled`.

    Args:
        x_label: name of the x axis, with its unit.
        y_label: name of the y axis, with its unit.
        size: width and height in pixels of the page.
    """
    width, height = size
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    inside = (width - LEFT - RIGHT) / width, (height - BOTTOM - TOP) / height
    axes = figure.add_axes((LEFT / width, BOTTOM / height, *inside))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.tick_params(length=0)
    axes.locator_params(nbins=5)
    return figure, axes


def svg(figure: Figure, described: str) -> str:
    """Returns a figure as an element of an HTML page, without anything that names another place.

    Args:
        figure: to draw; call within `styled`.
        described: what it shows, for readers who do not see it.
    """
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'font-family: [^;"]*', "font-family: inherit", text)
    text = re.sub(r' id="(?!m|p)[^"]*"| id="(matplotlib|patch)[^"]*"', "", text)
    for drawn, shown in COLOURS.items():
        text = text.replace(drawn, shown)
    body = text[text.index(">", text.index("<svg")) + 1 :]
    width, height = (round(inches * DPI) for inches in figure.get_size_inches())
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(described)}">{body}'
