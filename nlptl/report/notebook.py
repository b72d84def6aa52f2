"""What a run says of itself in Python: one line, and a table in a notebook."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any


def line(result: Mapping[str, Any]) -> str:
    """Returns a result in a few words, such as "sentiment by lora: test accuracy 0.8125 [0.7500, 0.8750]".

    Args:
        result: the content of result.json.

    Raises:
        KeyError: it is not complete.
    """
    what = f"{result['task']} by {result['method']}"
    if result["status"] != "succeeded":
        return f"{what}: {result['status']}"
    split, metric = result["primary"]["split"], result["primary"]["name"]
    return f"{what}: {split} {metric} {_measured(result['metrics'][split][metric])}"


def table(folder: str, result: Mapping[str, Any]) -> str:
    """Returns a result as an HTML table: each metric by split, and the baselines' values of the primary one.

    Args:
        folder: the run's.
        result: the content of result.json.

    Raises:
        KeyError: it is not complete.
    """
    heading = f"<b>{escape(folder)}</b> {escape(line(result))}"
    if result["status"] != "succeeded":
        return f"<div>{heading}</div>"
    cells = "".join(
        f"<tr><td>{escape(split)}</td><td>{escape(system)}</td><td>{escape(metric)}</td><td>{escape(value)}</td></tr>"
        for split, system, metric, value in _rows(result)
    )
    head = "<tr><th>split</th><th>system</th><th>metric</th><th>value [95 % interval]</th></tr>"
    return f"<div>{heading}<table><thead>{head}</thead><tbody>{cells}</tbody></table></div>"


def _rows(result: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yields split, system, metric and its value."""
    primary = result["primary"]["name"]
    for split, metrics in result["metrics"].items():
        for metric, value in metrics.items():
            yield split, str(result["method"]), metric, _measured(value)
        for name, baseline in result["baselines"].get(split, {}).items():
            yield split, name, primary, _measured(baseline[primary])


def _measured(value: Mapping[str, float]) -> str:
    return f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
