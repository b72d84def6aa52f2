"""Writes the tables of RESULTS.md, and the README's one, from the result files, each between its markers.

python benchmarks/tables.py            # rewrite both
python benchmarks/tables.py --check    # exit 1 if one of them is out of date
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from statistics import mean
from typing import Any

import headline
import results
import side_by_side
from cases import MEASURES, NLPTL, Case, Target, measure
from comparing import Record, compared
from markdown import table

HERE = Path(__file__).resolve().parent
PAGES = (HERE / "RESULTS.md", HERE.parent / "README.md")
MARKERS = re.compile(r"(<!-- results:(\w+) -->\n).*?(<!-- /results:\2 -->)", re.DOTALL)
HEADER = (
    "case",
    "system",
    "rows",
    "scores",
    "examples/s",
    "nlptl's speed to this",
    "total s",
    "peak MiB",
    "trained",
)
ACCURACY = ("accuracy",)
BASELINE = "tfidf_logreg_accuracy"
Center = Callable[[Iterable[float]], float]


def main(argv: Sequence[str] | None = None) -> int:
    """Writes or checks the tables; returns 0, or 1 if --check finds a difference or a page has no markers."""
    parser = argparse.ArgumentParser(description="Writes the tables of RESULTS.md and README.md.")
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--pages", type=Path, nargs="+", default=PAGES, help="the Markdown files")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of SUITE.json")
    given = parser.parse_args(argv)
    return max(_page(path, given.results, check=given.check) for path in given.pages)


def _page(path: Path, folder: Path, *, check: bool) -> int:
    old = path.read_text(encoding="utf-8")
    if not MARKERS.search(old):
        sys.stderr.write(f"{path} has no markers such as <!-- results:sentiment --> <!-- /results:sentiment -->\n")
        return 1
    new = MARKERS.sub(lambda m: m[1] + _between(m[2], folder) + m[3], old)
    if check:
        if new != old:
            sys.stderr.write(f"{path} is out of date: run python benchmarks/tables.py\n")
        return int(new != old)
    path.write_text(new, encoding="utf-8")
    return 0


def _between(name: str, folder: Path) -> str:
    return headline.table(folder) if name == "headline" else tables(folder / f"{name}.json")


def tables(path: Path) -> str:
    """Returns a result file as Markdown: the numbers, the targets, and where they were measured."""
    if not path.exists():
        return f"Not measured yet: python benchmarks/run.py --suite {path.stem} --data DATA\n"
    content = results.read(path)
    records: list[Record] = content["records"]
    suite: Any = import_module(f"suites.{content['suite']}")
    center: Center = getattr(suite, "CENTER", mean)
    cases, targets = suite.cases(content["scale"]), _targets(suite.TARGETS, records, center)
    beside = hasattr(suite, "PAIRS")
    numbers = side_by_side.tables(records, cases, suite.PAIRS) if beside else [_numbers(records, cases, center)]
    parts = [*numbers, *_baselines(records), targets, _where(content, center)]
    return "".join(part + "\n" for part in parts)


def _numbers(records: list[Record], cases: Sequence[Case], center: Center) -> str:
    measures = {case.name: case.measures for case in reversed(cases)}  # nlptl's own come first
    shown = {r["case"]: measures.get(r["case"], ACCURACY) for r in records}
    same = set(shown.values()) == {ACCURACY}  # then the column's name says it, and the cells need not
    header = ["accuracy" if same and name == "scores" else name for name in HEADER]
    labels = {case: {name: "" if same else MEASURES[name] for name in names} for case, names in shown.items()}
    keys = dict.fromkeys((r["case"], r["system"]) for r in sorted(records, key=_order(records)))
    return table(header, [_row(case, system, labels[case], records, center) for case, system in keys])


def _order(records: list[Record]) -> Callable[[Record], tuple[int, bool, str]]:
    # A record that was measured again stands last in the file; its case keeps its place.
    cases = sorted({r["case"] for r in records}, key=lambda c: min(r["date"] for r in records if r["case"] == c))
    return lambda r: (cases.index(r["case"]), r["system"] != NLPTL, r["system"])


def _row(case: str, system: str, labels: dict[str, str], records: list[Record], center: Center) -> list[str]:
    def shown(values: Iterable[float], form: str) -> str:
        return _range(values, form, center)

    every = [r for r in records if (r["case"], r["system"]) == (case, system)]
    own = [r for r in every if r["status"] == "ok"]
    if not own:
        return [case, system, "failed", *["-"] * (len(HEADER) - 3)]
    failed = f" ({len(every) - len(own)} failed)" if len(own) < len(every) else ""
    faster = compared(Target(case, "examples_per_s", ">=", 1, "ratio", (case, system)), records)
    return [
        case,
        system + failed,
        f"{own[0]['rows']['train']:,}" if "rows" in own[0] else "-",
        ", ".join(
            f"{label} {shown((r['metrics'][name] for r in own), '{:.4f}')}".strip()
            for name, label in labels.items()
            if name in own[0]["metrics"]
        ),
        shown((measure(r, "examples_per_s") for r in own), "{:.1f}"),
        "-" if system == NLPTL else shown(faster, "{:.2f}"),
        shown((measure(r, "total_s") for r in own), "{:.0f}"),
        shown((measure(r, "peak_mib") for r in own), "{:.0f}"),
        shown((100 * measure(r, "trained_share") for r in own), "{:.2f} %") if "parameters" in own[0] else "-",
    ]


def _baselines(records: list[Record]) -> list[str]:
    found: dict[int, list[float]] = {}
    for r in records:
        if r["status"] == "ok" and BASELINE in r["metrics"] and r["case"] in ("full", "probe"):
            found.setdefault(r["rows"]["train"], []).append(r["metrics"][BASELINE])
    texts = [f"{_range(values, '{:.4f}', mean)} from {n:,} rows" for n, values in sorted(found.items())]
    return [f"TF-IDF with logistic regression (nlptl's baseline), accuracy: {'; '.join(texts)}.\n"] if texts else []


def _targets(targets: Iterable[Target], records: list[Record], center: Center) -> str:
    rows = []
    for target in targets:
        values = compared(target, records)
        shown, reached = _range(values, "{:.4g}", center), _reached(target, values, records, center)
        rows.append([target.case, str(target), shown, reached])
    return table(("case", "target", "measured", "reached"), rows)


def _reached(target: Target, values: list[float], records: list[Record], center: Center) -> str:
    involved = {(target.case, target.system), target.other}
    if any(r["status"] == "failed" for r in records if (r["case"], r["system"]) in involved):
        return "**no**: a run failed"
    if not values:
        return "not measured"
    return "yes" if target.met(center(values)) else "**no**"


def _where(content: Record, center: Center) -> str:
    hardware, records = content["hardware"], content["records"]
    commits = sorted({r["commit"][:10] + ("+changes" if r["dirty"] else "") for r in records})
    seeds = sorted({r["seed"] for r in records})
    bf16 = ", ".join(hardware["bf16"]) or "no native bf16"
    others = sorted({f"{r['case']}/{r['system']}" for r in records if r["cpu"] != hardware["cpu"]})
    elsewhere = sorted({r["cpu"] for r in records} - {hardware["cpu"]})
    older = f" Measured earlier on {', '.join(elsewhere)}: {', '.join(others)}." if others else ""
    several = f"{center.__name__} [min ... max] where there are several"
    return (
        f"Scale {content['scale']}; seeds {', '.join(map(str, seeds))}; {several}. "
        f"{hardware['cpu']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB, {bf16}; "
        f"torch {content['versions']['torch']}, transformers {content['versions']['transformers']}; "
        f"commit {', '.join(commits)}; {content['date'][:10]}.{older}"
    )


def _range(values: Iterable[float], form: str, center: Center) -> str:
    found = list(values)
    if not found:
        return "-"
    text = form.format(center(found))
    return text if len(found) == 1 else f"{text} [{form.format(min(found))} ... {form.format(max(found))}]"


if __name__ == "__main__":
    raise SystemExit(main())
