"""Guesses which flag was meant by one that does not exist."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence

from nlptl.core import registry

ELSEWHERE = {
    "data": "--data.train",
    "dataset_name": "--data.train",
    "learning_rate": "--train.lr",
    "model": "--model.name",
    "model_name_or_path": "--model.name",
    "num_train_epochs": "--train.epochs",
    "per_device_train_batch_size": "--train.batch_size",
    "r": "--method.rank",
    "task": "--task.name",
    "train_file": "--data.train",
}
"""Names that people know from transformers' scripts and from Python."""


def meant(flag: str, known: Sequence[str]) -> str:
    """Returns a hint for a wrong flag, such as " (did you mean --train.lr?)"; empty if nothing is near.

    Args:
        flag: as typed: "--lr".
        known: every flag.
    """
    ways = {k: k for k in known} | _of_other_methods(known)
    name = flag.lstrip("-").replace("-", "_")
    found = [flag] if flag in ways else _ending_in(name, ways)
    if not found and ELSEWHERE.get(name) in ways:
        found = [ELSEWHERE[name]]
    if not found and "." not in name:
        fields = {path.rpartition(".")[2] for path in ways if "." in path}
        found = [path for field in difflib.get_close_matches(name, fields, 1, 0.7) for path in _ending_in(field, ways)]
    found = found or difflib.get_close_matches(flag, ways, 1, 0.65)
    return f" (did you mean {' or '.join(ways[path] for path in found)}?)" if found else ""


def _ending_in(field: str, paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path.endswith(f".{field}")]


def _of_other_methods(known: Sequence[str]) -> dict[str, str]:
    """Returns the flags that only other methods have, each with the `--method` that gives it."""
    if "--method.name" not in known:
        return {}
    owners: dict[str, list[str]] = {}
    for method in registry.names("method"):
        for field in dataclasses.fields(registry.load("method", method)):
            owners.setdefault(f"--method.{field.name}", []).append(method)
    return {path: f"{path} with --method {'|'.join(methods)}" for path, methods in owners.items() if path not in known}
