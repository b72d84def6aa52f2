"""Draws figures of many runs: scores with intervals, learning curves, Pareto fronts, trials of a search.

Runs and methods have a colour and a marker, or a number; their names stand in the page's tables and legends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nlptl.core.records import Interval
from nlptl.report.figures import FIRST, GRID, INK, PAGE, SECOND, SERIES, WIDTH, framed, styled, svg

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MOST_CURVES = 6
"""Curves of a figure."""
ROW, AROUND = 22, 62
"""Height of a line of `forest`, and of what is around them, in pixels."""
APART = 34
"""Least distance between two labels of an axis, in pixels."""
PER_AXIS, SIDES = 104, 60
"""Width of an axis of `parallel`, and of the margins, in pixels."""
MOST_WORD = 12


@dataclass(frozen=True)
class Curve:
    """A score by the number of labels, and the law a - b n^-c that was fitted."""

    counts: Sequence[float]
    scores: Sequence[Interval]
    """Ends are NaN if there is no interval."""
    law: tuple[float, float, float] | None = None
    """a, b and c."""
    place: int = 0
    """Among all series: chooses colour and marker."""


@dataclass(frozen=True)
class Point:
    """A score and what it costs."""

    cost: float
    score: float
    on_front: bool
    place: int
    """Among all series: chooses colour and marker."""


@dataclass(frozen=True)
class Axis:
    """An axis of `parallel`."""

    name: str
    places: Sequence[float]
    """Of each trial, from 0 to 1; NaN: unknown."""
    ticks: Sequence[tuple[float, str]]


def colour(place: int) -> str:
    """Returns the colour of a series."""
    return SERIES[place % len(SERIES)]


def marker(place: int) -> str:
    """Returns the marker of a series."""
    return MARKERS[place % len(MARKERS)]


def forest(values: Sequence[Interval], x_label: str, *, zero: bool = False) -> str:
    """Returns values with their intervals, one below the other, numbered from 1.

    Args:
        values: at least one; ends may be NaN.
        x_label: name of the x axis, with its unit.
        zero: whether a line is drawn at 0.
    """
    with styled():
        figure, axes = framed(x_label, "run", (WIDTH, AROUND + ROW * len(values)))
        numbers = list(range(1, len(values) + 1))
        for number, value in zip(numbers, values, strict=True):
            axes.plot([value.low, value.high], [number, number], color=FIRST, linewidth=3, alpha=0.45)
        axes.plot([value.value for value in values], numbers, "o", color=FIRST, markersize=6)
        if zero:
            axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (3, 3)), alpha=0.6)
        axes.set_yticks(numbers)
        axes.set_ylim(len(values) + 0.6, 0.4)
        axes.grid(visible=False, axis="y")
        return svg(figure, f"{x_label} of each run")


def growth(curves: Sequence[Curve], x_label: str, y_label: str) -> str:
    """Returns scores by number of labels, with the fitted laws up to twice the largest number.

    Args:
        curves: at most `MOST_CURVES`.
        x_label: name of the x axis, with its unit.
        y_label: name of the y axis.
    """
    with styled():
        figure, axes = framed(x_label, y_label)
        for i, curve in enumerate(curves):
            x = [n * 1.02 ** (i - (len(curves) - 1) / 2) for n in curve.counts]  # side by side
            own, values = colour(curve.place), [score.value for score in curve.scores]
            ends = [[max(0.0, _or_0(v.value - v.low)) for v in curve.scores]]
            ends.append([max(0.0, _or_0(v.high - v.value)) for v in curve.scores])
            line = "none" if curve.law else "-"
            axes.errorbar(
                x, values, yerr=ends, color=own, marker=marker(curve.place), markersize=5, linestyle=line, elinewidth=1
            )
            if curve.law:
                a, b, c = curve.law
                drawn = _spread(min(curve.counts), 2 * max(curve.counts))
                y = [a - b * n**-c for n in drawn]
                axes.plot(drawn, y, color=own, linewidth=1.3)
                axes.plot(drawn[-1:], y[-1:], color=own, marker=marker(curve.place), markersize=6, fillstyle="none")
        counts = sorted({n for curve in curves for n in curve.counts})
        doubled = [2 * counts[-1]] if any(curve.law for curve in curves) else []
        axes.set_xscale("log")
        axes.minorticks_off()
        ticks = _apart([*counts, *doubled])
        axes.set_xticks(ticks, [f"{n:,.0f}" for n in ticks])
        return svg(figure, f"{y_label} by {x_label}")


def front(points: Sequence[Point], x_label: str, y_label: str) -> str:
    """Returns scores by cost; those on the Pareto front are filled and joined.

    Args:
        points: at least one.
        x_label: the cost, with its unit.
        y_label: name of the score.
    """
    with styled():
        figure, axes = framed(x_label, y_label)
        best = sorted((p.cost, p.score) for p in points if p.on_front)
        axes.plot([x for x, _ in best], [y for _, y in best], color=INK, linewidth=1, alpha=0.5)
        for point in points:
            filled = "full" if point.on_front else "none"
            axes.plot(
                [point.cost],
                [point.score],
                marker=marker(point.place),
                color=colour(point.place),
                markersize=8,
                fillstyle=filled,
            )
        axes.margins(0.08)
        costs = [point.cost for point in points]
        if _is_wide(costs):
            axes.set_xscale("log")
            axes.minorticks_off()
            ticks = _decades(min(costs), max(costs))
            axes.set_xticks(ticks, [short(x) for x in ticks])
        elif max(costs) >= 1000:
            inside = axes.get_xticks()[1:-1]
            axes.set_xticks(inside, [short(x) for x in inside])
        return svg(figure, f"{y_label} by {x_label}")


def parallel(drawn: Sequence[Axis], chosen: Sequence[bool]) -> tuple[str, int]:
    """Returns a line for each trial over several axes, and the width; the last axis is the metric, darker is better.

    Args:
        drawn: at least two.
        chosen: which trials are drawn in the second colour.
    """
    width = max(WIDTH, SIDES + PER_AXIS * (len(drawn) - 1) + 40)
    with styled():
        figure, axes = framed("", "", (width, 240))
        for axis_number, axis in enumerate(drawn):
            axes.axvline(axis_number, color=GRID, linewidth=1.2)
            for place, word in axis.ticks:
                axes.text(
                    axis_number + 0.03,
                    place,
                    _word(word),
                    fontsize=9.5,
                    va="center",
                    bbox={"facecolor": PAGE, "alpha": 0.8, "linewidth": 0, "pad": 1},
                    zorder=4,
                )
        for i, is_chosen in sorted(enumerate(chosen), key=lambda one: one[1]):
            y = [axis.places[i] for axis in drawn]
            strength = 0.15 + 0.65 * _or_0(drawn[-1].places[i])
            style = (SECOND, 2.4, 1.0) if is_chosen else (FIRST, 1.2, strength)
            axes.plot(range(len(drawn)), y, color=style[0], linewidth=style[1], alpha=style[2])
        axes.set_xticks(range(len(drawn)), [_word(axis.name, 18) for axis in drawn])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlim(-0.25, len(drawn) - 0.45)
        axes.set_ylim(-0.06, 1.06)
        axes.grid(visible=False)
        return svg(figure, "settings of each trial and what they reached"), width


def short(value: float) -> str:
    """Returns a number as it stands on an axis: 0.05, 20, 1.5k, 22M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def _is_wide(costs: Sequence[float]) -> bool:
    """Returns whether costs need a logarithmic axis."""
    return min(costs) > 0 and max(costs) > 20 * min(costs)


def _decades(low: float, high: float) -> list[float]:
    """Returns powers of ten around two numbers, at most six."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    step = -(-(last - first) // 5) or 1
    return [10.0**power for power in range(first, last + 1, step)]


def _spread(low: float, high: float, n: int = 40) -> list[float]:
    """Returns numbers at equal ratios."""
    return [float(low * (high / low) ** (i / (n - 1))) for i in range(n)]


def _apart(numbers: Sequence[float]) -> list[float]:
    """Returns those of ascending numbers whose labels fit on a logarithmic axis, the last included."""
    width = (WIDTH - 60) / (math.log(numbers[-1] / numbers[0]) or 1.0)
    kept = [numbers[-1]]
    for number in reversed(numbers[:-1]):
        if math.log(kept[-1] / number) * width >= APART:
            kept.append(number)
    return kept[::-1]


def _or_0(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _word(text: str, most: int = MOST_WORD) -> str:
    """Returns a name for an axis in letters that every font has, cut if it is long."""
    plain = text.encode("ascii", "replace").decode()
    return plain if len(plain) <= most else f"{plain[: most - 2]}.."
