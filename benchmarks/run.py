"""Runs a suite of benchmarks, one case at a time, each in a fresh process.

python benchmarks/run.py --suite sentiment --data ../shared/data
python benchmarks/run.py --suite sentiment --data ../shared/data --only full,probe/sklearn_probe --seeds 0,1,2
python benchmarks/run.py --suite sentiment --data ../shared/data --scale smoke
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import machine
import processes
import results
import systems
from cases import MEASURES, Case, Inputs, Suite

HERE = Path(__file__).resolve().parent


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the cases that the command line chooses; returns 0 when all succeeded, else 1."""
    parser = _parser()
    given = parser.parse_args(argv)
    suite: Any = import_module(f"suites.{given.suite}")
    if given.data is None and getattr(suite, "NEEDS_DATA", True):
        parser.error(f"the suite {given.suite} reads data sets: give their folder with --data")
    suffix = "" if given.scale == "full" else f"-{given.scale}"
    path = given.output or HERE / "results" / f"{given.suite}{suffix}.json"
    results.check(path, given.suite, given.scale)
    chosen = _choose(suite, given.scale, given.only)
    n_failed = 0
    with tempfile.TemporaryDirectory(prefix="nlptl-bench-") as folder:
        inputs = suite.inputs(given.data and given.data.resolve(), Path(folder), given.scale)
        for seed in given.seeds:
            for case in chosen:
                record = _record(case, inputs, seed, Path(folder), given.timeout)
                results.put(path, given.suite, given.scale, record)
                n_failed += record["status"] == "failed"
                _say(record, case.measures)
    return 1 if n_failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Benchmarks of nlptl and its peers on the same rows and seeds.")
    suites = sorted(p.stem for p in (HERE / "suites").glob("[!_]*.py"))
    parser.add_argument("--suite", choices=suites, required=True)
    parser.add_argument("--data", type=Path, help="folder of the data sets; the suite gpu needs none")
    parser.add_argument("--only", type=_names, help="cases to run, CASE or CASE/SYSTEM, with commas; default: all")
    parser.add_argument("--seeds", type=_numbers, default=[0], help="with commas; default: 0")
    parser.add_argument("--scale", choices=("smoke", "full"), default="full", help="smoke: 64 rows, one epoch")
    parser.add_argument("--timeout", type=float, default=processes.TIMEOUT_S, help="seconds a case may take")
    parser.add_argument("--output", type=Path, help="default: benchmarks/results/SUITE.json (smoke: SUITE-smoke.json)")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text: str) -> list[int]:
    return [int(name) for name in _names(text)]


def _choose(suite: Suite, scale: Any, only: list[str] | None) -> list[Case]:
    cases = suite.cases(scale)
    if only is None:
        return cases
    unknown = [name for name in only if all(name not in (c.name, c.key) for c in cases)]
    if unknown:
        sys.exit(f"no case is named {unknown[0]!r}; known: {', '.join(c.key for c in cases)}")
    return [c for c in cases if c.name in only or c.key in only]


def _record(case: Case, inputs: Inputs, seed: int, folder: Path, timeout_s: float) -> dict[str, Any]:
    output = folder / f"{case.name}-{case.system}-{seed}"
    record: dict[str, Any] = {
        "case": case.name,
        "system": case.system,
        "seed": seed,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        **machine.code(),
        "cpu": machine.hardware()["cpu"],
        "load_before": os.getloadavg()[0],
        "options": case.options,
    }
    began = time.perf_counter()
    try:
        arguments = systems.arguments(case, inputs, seed, output)
        used = processes.python(arguments, folder / f"{output.name}.log", timeout_s)
        found = systems.report(case, output)
    except Exception as error:  # a failed case is a result too, and the others still run
        message = f"{type(error).__name__}: {error}"
        return record | {"status": "failed", "error": message, "total_s": time.perf_counter() - began}
    return record | {"status": "ok", **found, "total_s": used.wall_s, "outside": dataclasses.asdict(used)}


def _say(record: dict[str, Any], measures: Sequence[str]) -> None:
    name = f"{record['case']}/{record['system']} seed {record['seed']}"
    if record["status"] == "failed":
        sys.stdout.write(f"{name}: FAILED\n{record['error']}\n")
    else:
        scores = ", ".join(f"{MEASURES[measure]} {record['metrics'][measure]:.4f}" for measure in measures)
        sys.stdout.write(
            f"{name}: {scores}, {record['examples_per_s']:.1f} examples/s, "
            f"{record['total_s']:.1f} s, {record['peak_mib']:.0f} MiB\n"
        )
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except results.ScaleError as error:
        raise SystemExit(f"error: {error}") from error
