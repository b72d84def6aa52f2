"""Kills runs at random moments, resumes them, and compares what they end with to the run that was never touched.

python -m reliability.kills --kills 10 --output REPORT.json --method lora --data.train TRAIN.tsv ...

All other flags are those of `nlptl train sentiment`. A run is a fork of this process, so that a start costs no imports;
the check that reloads the model in a fresh process is left out for the same reason.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peft
import systems
from transformers.models.bert import modeling_bert

from nlptl import cli
from nlptl.runs import reload_check, training

IMPORTED = (training, peft, modeling_bert)  # before the first fork
FINISHED = 0
COMPARED = ("metrics.jsonl", "predictions", "model")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--kills", type=int, required=True, help="how many")
    parser.add_argument("--output", type=Path, required=True, help="file of the report")
    given, words = parser.parse_known_args()
    reload_check.run = lambda *_: {"max_abs_diff": 0.0, "n_examples": 0}
    with tempfile.TemporaryDirectory(prefix="nlptl-kills-") as folder:
        report = _report(Path(folder), given.kills, ["train", "sentiment", *words])
    given.output.write_text(json.dumps(report, indent=1), encoding="utf-8")


def _report(folder: Path, n_kills: int, words: list[str]) -> dict[str, Any]:
    whole = folder / "whole"
    whole_s, status = _run([*words, "--output", str(whole)], None)
    if status != FINISHED:
        sys.exit(f"the run that is not killed ended with {status}")
    expected = _content(whole)
    lost, wrong = [], []
    for number in range(n_kills):
        run = folder / f"run{number}"
        spent, differs = _killed_once(run, words, whole_s, expected)
        lost.append(spent - whole_s)
        if differs:
            wrong.append(differs)
    found = systems.report_of_run(whole)
    found["metrics"] = {"n_kills": n_kills, "n_exact": n_kills - len(wrong), "lost_s": sum(lost) / max(1, len(lost))}
    return found | {"not_exact": wrong}


def _killed_once(run: Path, words: Sequence[str], whole_s: float, expected: dict[str, str]) -> tuple[float, str]:
    """Returns the seconds that a run took which was killed once, and what is not as it should be, "" for nothing."""
    while True:
        spent, status = _run([*words, "--output", str(run)], random.uniform(0, whole_s))
        if status == -signal.SIGKILL and not _finished(run):
            break
        run.rename(run.with_name(f"{run.name}-was-faster-{time.time_ns()}"))
    at = f"killed after {spent:.2f} of {whole_s:.2f} s"
    begun = (run / "recipe.yaml").exists()
    again = ["train", "--resume", str(run)] if begun else [*words, "--output", str(run)]
    more, status = _run(again, None)
    if status != FINISHED:
        return spent + more, f"{at}: exit status {status}"
    found = _content(run)
    differing = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    return spent + more, f"{at}: {', '.join(differing)}" if differing else ""


def _finished(run: Path) -> bool:
    path = run / "result.json"
    return path.exists() and json.loads(path.read_text(encoding="utf-8"))["status"] == "succeeded"


def _run(words: Sequence[str], kill_after_s: float | None) -> tuple[float, int]:
    """Returns the seconds that a command line took and its exit status, minus a signal's number."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        log = os.open(os.devnull, os.O_WRONLY)
        os.dup2(log, 1)
        os._exit(cli.command(words))
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return time.perf_counter() - began, os.waitstatus_to_exitcode(status)


def _content(run: Path) -> dict[str, str]:
    """Returns the hash of every file that must not depend on what happened on the way."""
    paths = [p for name in COMPARED for p in ([run / name] if (run / name).is_file() else (run / name).rglob("*"))]
    files = [p for p in paths if p.is_file()]
    return {str(p.relative_to(run)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


if __name__ == "__main__":
    main()
