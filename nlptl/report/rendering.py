"""Makes pages from templates: HTML without scripts, which asks for nothing from elsewhere."""

import math
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nlptl.core.records import Interval
from nlptl.core.shown import LABEL, shown

TEMPLATES = Path(__file__).parent / "templates"
MOST_TEXT, MOST_ANSWER = 2000, 300
"""Characters of a message or a setting, and of an answer."""


def rendered(template: str, **values: object) -> str:
    """Returns a page as HTML.

    Args:
        template: name of the file.
        values: what the template shows, by name.
    """
    text: str = _environment().get_template(template).render(bar=bar, **values)
    return text


@cache
def _environment() -> Environment:
    """Returns where templates are found; each is compiled once a process."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "base": base,
        "number": number,
        "signed": signed,
        "label": label,
        "name": name,
        "line": line,
        "place": place,
        "share": share,
    }
    return environment


def number(value: float) -> str:
    """Returns a value with the digits that a reader needs: 0.853, 12.4, 1,234."""
    size = abs(value)
    if math.isnan(value):  # it could not be measured
        return "-"
    if size and size < 0.001:
        return f"{value:.1e}"
    return f"{value:.3f}" if size < 10 else f"{value:,.1f}" if size < 1000 else f"{value:,.0f}"


def base(text: object) -> str:
    """Returns the last part of a path or of a model's id."""
    return str(text).rstrip("/").rpartition("/")[2]


def signed(value: float) -> str:
    """Returns a difference with its sign and digits as `number`."""
    return f"+{number(value)}" if value > 0 else number(value).replace("-", "\u2212", 1)


def share(value: float) -> str:
    """Returns a share in percent."""
    return f"{100 * value:.0f} %" if value >= 0.1 else f"{100 * value:.1f} %"


def label(text: object) -> str:
    """Returns a name from the data, cut if it is long."""
    return shown(str(text), LABEL)


def place(text: object) -> Markup:
    """Returns a message like `line`, which may break after each slash."""
    return Markup("/<wbr>").join(line(text).split("/"))


def name(text: object) -> str:
    """Returns a label or an answer, cut if it is long."""
    return shown(str(text), MOST_ANSWER)


def line(text: object) -> str:
    """Returns a message on one line, cut if it is very long."""
    return shown(str(text), MOST_TEXT)


def bar(interval: Interval, ends: tuple[float, float]) -> str:
    """Returns the style of an interval's bar: where it begins and ends and where its value is, in percent.

    Args:
        interval: the value with its interval.
        ends: of the axis.
    """
    width = ends[1] - ends[0] or 1.0
    low, value, high = (100 * (v - ends[0]) / width for v in (interval.low, interval.value, interval.high))
    return f"--low:{low:.2f}%;--value:{value:.2f}%;--high:{100 - high:.2f}%"
