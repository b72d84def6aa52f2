"""How nlptl and its peers are started, and how their reports are read."""

import json
from pathlib import Path
from typing import Any

import yaml
from cases import Case, Inputs

NLPTL_FLAGS = {
    "train": "data.train",
    "validation": "data.validation",
    "test": "data.test",
    "model": "model.name",
    "seed": "train.seed",
}
"""nlptl's flags where the peers' are named otherwise."""


def arguments(case: Case, inputs: Inputs, seed: int, output: Path) -> list[str]:
    """Returns the interpreter's arguments for a case.

    Args:
        case: what to run.
        inputs: the suite's data and models.
        seed: of the run, and of the choice of rows.
        output: the run's folder (nlptl) or the report's file (peers); it does not exist yet.
    """
    names = NLPTL_FLAGS if case.own else {}
    rows = {"train": inputs.train(case.train, seed), **_scored(case, inputs, seed)}
    values = {**rows, "model": inputs.model(case.model), "seed": seed, "output": output}
    cache = output.parent / f"cache-{case.cache or case.name}-{case.system}-{seed}"
    kept = {"train.cache_dir": cache} if names else {}
    options = {names.get(name, name): value for name, value in values.items()} | kept | case.options
    return [*case.program, *(text for name, value in options.items() for text in (f"--{name}", *_texts(value)))]


def report(case: Case, output: Path) -> dict[str, Any]:
    """Returns what a finished run says of itself: metrics, speed, memory, parameters, rows, settings.

    Raises:
        ValueError: it lacks one of the case's measures.
    """
    found: dict[str, Any]
    if output.is_dir():
        found = report_of_run(output)
        found["metrics"] |= case.also(output) if case.also else {}
    else:
        found = json.loads(output.read_text(encoding="utf-8"))
    missing = [name for name in case.measures if name not in found["metrics"]]
    if missing:
        raise ValueError(f"{case.key} reports no {', '.join(missing)}, found {', '.join(found['metrics'])}")
    return found


def _scored(case: Case, inputs: Inputs, seed: int) -> dict[str, Path]:
    if not case.scored:
        return {"validation": inputs.validation()}
    return {split: inputs.train(name, seed) for split, name in case.scored.items()}


def report_of_run(folder: Path) -> dict[str, Any]:
    """Returns what the folder of a finished run of nlptl says of it, in the form of a benchmark's record."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    timing = result["timing"]
    return {
        "metrics": _metrics(result) | _last_loss(folder),
        "examples_per_s": timing["examples_per_s"],
        "train_s": timing["train_s"],
        "reported_total_s": timing["total_s"],
        "peak_mib": result["memory"]["peak_mib"],
        "parameters": result["parameters"],
        "rows": result["rows"],
        "settings": _settings(folder),
    }


def _metrics(result: dict[str, Any]) -> dict[str, float]:
    primary, split = result["primary"]["name"], result["primary"]["split"]
    intervals = result["metrics"][split]
    baselines = result["baselines"].get(split, {})
    return {
        **{name: interval["value"] for name, interval in intervals.items()},
        f"{primary}_low": intervals[primary]["low"],
        f"{primary}_high": intervals[primary]["high"],
        **{f"{name}_{primary}": scores[primary]["value"] for name, scores in baselines.items()},
        "reload_max_abs_diff": result["reload_check"]["max_abs_diff"],
    }


def _last_loss(folder: Path) -> dict[str, float]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    losses = [line["loss"] for line in lines if "loss" in line]
    return {"final_loss": losses[-1]} if losses else {}


def _settings(folder: Path) -> dict[str, Any]:
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    model = {k: v for k, v in recipe["model"].items() if k != "name"}
    train = {k: v for k, v in recipe["train"].items() if k != "cache_dir"}
    return {"method": recipe["method"], "model": model, "train": train}


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(map(str, value))
    return (json.dumps(value) if isinstance(value, dict | list) else str(value),)
