"""How nlptl and its peers are started, and how their reports are read."""

import json
from pathlib import Path
from typing import Any

import yaml
from cases import NLPTL, Case, Inputs

NLPTL_FLAGS = ("data.train", "data.validation", "model.name", "train.seed", "output")
PEER_FLAGS = ("train", "validation", "model", "seed", "output")


def arguments(case: Case, inputs: Inputs, seed: int, output: Path) -> list[str]:
    """Returns the interpreter's arguments for a case.

    Args:
        case: what to run.
        inputs: the suite's data and models.
        seed: of the run, and of the choice of rows.
        output: the run's folder (nlptl) or the report's file (peers); it does not exist yet.
    """
    names = NLPTL_FLAGS if case.system == NLPTL else PEER_FLAGS
    values = (inputs.train(case.train, seed), inputs.validation(), inputs.model(case.model), seed, output)
    options = dict(zip(names, values, strict=True)) | case.options
    return [*case.program, *(text for name, value in options.items() for text in (f"--{name}", _text(value)))]


def report(case: Case, output: Path) -> dict[str, Any]:
    """Returns what a finished run says of itself: metrics, speed, memory, parameters, rows, settings."""
    if case.system == NLPTL:
        return _nlptl(output)
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return found


def _nlptl(folder: Path) -> dict[str, Any]:
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
    found = {name: interval["value"] for name, interval in result["metrics"]["validation"].items()}
    accuracy = result["metrics"]["validation"]["accuracy"]
    baselines = result["baselines"].get("validation", {})
    return {
        **found,
        "accuracy_low": accuracy["low"],
        "accuracy_high": accuracy["high"],
        **{f"{name}_accuracy": scores["accuracy"]["value"] for name, scores in baselines.items()},
        "reload_max_abs_diff": result["reload_check"]["max_abs_diff"],
    }


def _last_loss(folder: Path) -> dict[str, float]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    losses = [line["loss"] for line in lines if "loss" in line]
    return {"final_loss": losses[-1]} if losses else {}


def _settings(folder: Path) -> dict[str, Any]:
    recipe = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))
    model = {k: v for k, v in recipe["model"].items() if k != "name"}
    return {"method": recipe["method"], "model": model, "train": recipe["train"]}


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list | tuple) else str(value)
