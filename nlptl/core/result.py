"""The result of a run, result.json, as a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nlptl.core import files, typed
from nlptl.core.phases import PhaseDone
from nlptl.core.plain import Decision
from nlptl.core.records import Finding, Interval

FORMAT = 1
"""Format number of result.json; the oldest files have none and are read as 1."""
ADVICE = (
    "restore it, or delete it: nlptl train --resume writes it anew, and a finished run's model/ folder predicts "
    "without it"
)
ALWAYS = ("status", "format", "task", "method", "seed", "memory", "artifact_bytes", "versions")
"""Fields that are written even if the run measured nothing."""


@dataclass(frozen=True)
class Parameters:
    """Numbers of parameters."""

    total: int
    trainable: int


@dataclass(frozen=True)
class SeedDone:
    """The training of one of several seeds."""

    seed: int
    value: float
    """The primary metric on validation."""
    updates: int
    chosen: bool


@dataclass(frozen=True)
class Training:
    """Summary of training."""

    updates: int
    best_update: int | None = None
    """Update after which the model was best on validation."""
    skipped: int = 0
    """Updates skipped because their loss or gradient was not finite."""
    stopped_by: str | None = None
    """The signal or callback that stopped the run."""
    phases: tuple[PhaseDone, ...] = ()
    head: dict[str, object] | None = None
    """Hyperparameters chosen by a method that solves for the head."""
    seeds: tuple[SeedDone, ...] = ()
    """With train.seeds, each seed's training; the other fields are of the chosen one."""


@dataclass(frozen=True)
class Timing:
    """Seconds, and training examples per second; None if the run did not get that far."""

    total_s: float | None = None
    train_s: float | None = None
    checkpoint_s: float | None = None
    examples_per_s: float | None = None


@dataclass(frozen=True)
class Memory:
    """Peak memory of the run; None if it was not measured."""

    peak_mib: float | None = None
    gpu_peak_mib: float | None = None


@dataclass(frozen=True)
class Machine:
    """What a run computed on."""

    device: str
    """cpu, or the GPU's name."""
    n_processes: int = 1
    n_threads: int = 1
    """Of a process."""


@dataclass(frozen=True)
class Base:
    """The pretrained model."""

    name: str
    revision: str | None
    sha256: str
    licence: str | None = None


@dataclass(frozen=True)
class Primary:
    """The metric that the run is judged by."""

    name: str
    split: str
    value: float


@dataclass(frozen=True)
class Baseline:
    """Result of a simple method on the same rows."""

    metric: str
    """Name of the primary metric."""
    value: Interval
    gain: Interval
    """The run's value minus the baseline's."""


@dataclass(frozen=True)
class ReloadCheck:
    """Comparison of the saved model, loaded in a fresh process, with the trained one."""

    max_abs_diff: float
    n_examples: int = 0
    sentence_transformers_max_abs_diff: float | None = None
    """The same through sentence-transformers; None if it is not installed, or the model is not saved for it."""


@dataclass(frozen=True)
class Verdict:
    """Weaknesses of the result, and what to try."""

    findings: tuple[Finding, ...] = ()
    advice: tuple[str, ...] = ()
    better: str | None = None
    """The command that gives a better model, if a baseline is better than this one by more than its interval."""


@dataclass(frozen=True)
class Result:
    """The content of result.json. Fields that a run has not measured are None or empty."""

    status: str
    """succeeded, interrupted or failed."""
    format: int = FORMAT
    task: str = ""
    method: str = ""
    error: str | None = None
    """Why the run failed."""
    model: Base | None = None
    seed: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    """Number of rows by split."""
    labels: tuple[str, ...] = ()
    parameters: Parameters | None = None
    training: Training | None = None
    timing: Timing = Timing()
    memory: Memory = Memory()
    machine: Machine | None = None
    """None in older results."""
    metrics: dict[str, dict[str, Interval]] = field(default_factory=dict)
    """By split and metric."""
    primary: Primary | None = None
    baselines: dict[str, dict[str, Baseline]] = field(default_factory=dict)
    """By split and name of the baseline."""
    decision: Decision = field(default_factory=Decision)
    """Thresholds tuned on validation."""
    per_class: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """By split and label: precision, recall, f1 and support."""
    confusion: dict[str, list[list[int]]] = field(default_factory=dict)
    """By split; rows are labels, columns are predictions."""
    precision: str | None = None
    """Number format of the evaluation and of the reload check, fp32 or bf16; None in older results, which are fp32."""
    reload_check: ReloadCheck | None = None
    verdict: Verdict = Verdict()
    artifact_bytes: int = 0
    versions: dict[str, str | None] = field(default_factory=dict)

    @staticmethod
    def read(path: Path) -> Result:
        """Returns the result in a file.

        Raises:
            InputError: it is damaged, or a newer nlptl wrote it.
        """
        values = files.read_object(path, ADVICE)
        files.check_format(path, values.get("format"), FORMAT)
        if not isinstance(values.get("status"), str):
            raise files.damaged(path, f"its status is {values.get('status')!r}", ADVICE)
        try:
            return Result.from_dict(values)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise files.damaged(path, error, ADVICE) from error

    def write(self, path: Path) -> None:
        """Writes the file, without the fields that are None.

        Raises:
            OSError: it cannot be written.
        """
        files.write_json(path, self.to_dict())

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> Result:
        """Returns the result for the output of `to_dict`; unknown fields are ignored.

        Raises:
            TypeError: a value does not have the type of its field.
        """
        by_split = typed.of_type(dict, values.get("baselines") or {}, "result.baselines")
        baselines = {split: {n: _baseline(b) for n, b in named.items()} for split, named in by_split.items()}
        return typed.record(Result, {**values, "baselines": baselines}, "result")

    def to_dict(self) -> dict[str, object]:
        """Returns the content of result.json."""
        plain = dataclasses.asdict(self)
        blank = {} if self.status == "succeeded" else dataclasses.asdict(Result(self.status))
        kept = {name for name, v in plain.items() if v is not None and (name in ALWAYS or v != blank.get(name))}
        known = {name: value for name, value in plain.items() if name in kept}
        known["timing"] = _without_none(plain["timing"])
        if self.training and not self.training.seeds:
            known["training"] = {name: value for name, value in plain["training"].items() if name != "seeds"}
        if self.reload_check:
            known["reload_check"] = _without_none(plain["reload_check"])
        for split, baselines in self.baselines.items():
            for name, baseline in baselines.items():
                value, gain = dataclasses.asdict(baseline.value), dataclasses.asdict(baseline.gain)
                known["baselines"][split][name] = {baseline.metric: value, "gain": gain}
        return known


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _baseline(values: Mapping[str, object]) -> dict[str, object]:
    """Returns the fields of a `Baseline`; in the file the key of its value is the metric's name."""
    metric = next((name for name in values if name != "gain"), None)
    if metric is None or "gain" not in values:
        raise TypeError(f"one of the baselines is {values!r:.60}")
    return {"metric": metric, "value": values[metric], "gain": values["gain"]}
