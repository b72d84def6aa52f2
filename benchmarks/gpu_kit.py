"""Everything that is to be known of a GPU: the tests marked gpu, then the suite gpu, then what failed.

python benchmarks/gpu_kit.py [--only tests,test_graphs,speed,bert_long/trainer] [--output FOLDER or FILE.json]

`make gpu` is this. All of it stands in one file, which is written again after each test and each case: a run that is
cut off leaves what it had, and parts may be run one after the other. Without a GPU tiny models and a CPU show that
everything still runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import mean
from typing import Any

import comparing
import machine
import processes
import results
import run
from cases import Scale
from suites import gpu

HERE = Path(__file__).resolve().parent
FILES = sorted(path.stem for path in (machine.ROOT / "tests" / "gpu").glob("test_*.py"))
PARTS = ("tests", "speed")
TESTS_S, CASE_S = 300.0, 180.0  # the most that a process of tests, and one of a case, may take
OK = ("passed", "skipped")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the chosen parts; returns 0 if nothing failed and, with a GPU, every target was reached."""
    given = _parser().parse_args(argv)
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # Trainer would take all there are
    with tempfile.TemporaryDirectory(prefix="nlptl-gpu-") as folder:
        about = _about(Path(folder))
        scale: Scale = "full" if about["gpu"] else "smoke"
        path = file_of(given.output, scale)
        results.check(path, "gpu", scale)
        results.put_section(path, "gpu", scale, "device", about)
        _say(f"{about['gpu'] or 'no GPU: tiny models on the CPU'}, torch {about['torch']}; results in {path}\n")
        tests, cases = chosen(given.only, scale)
        if tests is not None:
            _tests(path, scale, tests, Path(folder))
    if cases is not None:
        only = ["--only", ",".join(cases)] if cases else []
        run.main(["--suite", "gpu", "--scale", scale, "--output", str(path), "--timeout", str(CASE_S), *only])
    wrong = summary(results.read(path))
    _say("".join(f"{line}\n" for line in wrong) or "nothing failed\n")
    return int(bool(wrong))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The GPU's tests and benchmarks, and what failed.")
    names = f"{', '.join((*PARTS, *FILES))}, or a case of the suite gpu"
    parser.add_argument("--only", type=lambda text: text.split(",") if text else [], default=[], help=names)
    parser.add_argument("--output", type=Path, default=HERE / "results", help="a .json file, or a folder for gpu.json")
    return parser


def file_of(output: Path, scale: Scale) -> Path:
    """Returns the result file."""
    return output if output.suffix == ".json" else output / f"gpu{'' if scale == 'full' else '-smoke'}.json"


def chosen(only: Sequence[str], scale: Scale) -> tuple[list[str] | None, list[str] | None]:
    """Returns the files of tests and the cases to run, empty for all of them and None for none."""
    known = {name for case in gpu.cases(scale) for name in (case.name, case.key)}
    for name in only:
        if name not in (*PARTS, *FILES, *known):
            sys.exit(f"there is no part {name!r}; known: {', '.join((*PARTS, *FILES, *sorted(known)))}")
    tests, cases = [name for name in only if name in FILES], [name for name in only if name in known]
    wants = [not only or part in only for part in PARTS]
    return ([] if wants[0] else tests or None), ([] if wants[1] else cases or None)


def _about(folder: Path) -> dict[str, Any]:
    processes.python(["-m", "gpu.device", str(folder / "device.json")], folder / "device.log", CASE_S)
    found: dict[str, Any] = json.loads((folder / "device.json").read_text(encoding="utf-8"))
    return found | {"date": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "versions": machine.versions()}


def _tests(path: Path, scale: Scale, files: Sequence[str], folder: Path) -> None:
    """Runs tests in a process, and in another one if that ended before them."""
    sitting, log, n_begun = time.strftime("%Y-%m-%dT%H:%M:%S"), folder / "tests.log", -1
    while True:
        with suppress(processes.ProgramError):  # what failed stands in the file
            processes.python(["-m", "gpu.outcomes", str(path), scale, sitting, *files], log, TESTS_S)
        end = "".join(log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-15:])
        _say(end)
        found = results.read(path).get("tests", {"outcomes": {}})
        if found.get("sitting") == sitting and found["finished"]:
            return
        begun = [name for name, outcome in found["outcomes"].items() if outcome["sitting"] == sitting]
        if len(begun) <= n_begun:
            found["outcomes"]["tests/gpu"] = {"status": "failed", "sitting": sitting, "s": 0.0, "error": end}
            results.put_section(path, "gpu", scale, "tests", found)
            return
        n_begun = len(begun)


def summary(content: dict[str, Any]) -> list[str]:
    """Returns a line for all that went wrong: tests, cases and, at full scale, targets that were not reached."""
    outcomes = content.get("tests", {}).get("outcomes", {})
    tests = [f"{o['status']}: {name}: {_last(o)}" for name, o in outcomes.items() if o["status"] not in OK]
    records = content["records"]
    cases = [f"failed: {r['case']}/{r['system']}: {_last(r)}" for r in records if r["status"] != "ok"]
    if content["scale"] == "smoke":
        return [*tests, *cases]
    measured = [(target, comparing.compared(target, records)) for target in gpu.TARGETS]
    missed = [
        f"not reached: {target.case}: {target}: {mean(values):.3g}"
        for target, values in measured
        if values and not target.met(mean(values))
    ]
    return [*tests, *cases, *missed]


def _last(found: dict[str, Any]) -> str:
    """Returns the line of an error that says most: the last one that names an exception."""
    lines = [line.strip() for line in found.get("error", "").splitlines() if line.strip()]
    return next((line for line in reversed(lines) if "Error" in line), (lines or [""])[-1])[:300]


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except (results.ScaleError, processes.ProgramError) as error:
        raise SystemExit(f"error: {error}") from error
