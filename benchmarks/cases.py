"""What a suite is made of: cases to run, and targets that their numbers must reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

NLPTL = "nlptl"
Scale = Literal["smoke", "full"]


@dataclass(frozen=True)
class Case:
    """One piece of work for one system; it runs in a process of its own."""

    name: str
    """What is done; the systems compared on it share the name."""
    system: str
    """nlptl, or the peer's name."""
    program: tuple[str, ...]
    """Arguments of the Python interpreter: a script, or -m and a module."""
    train: str
    """The suite's name of the training rows."""
    model: str
    """The suite's name of the pretrained model."""
    options: dict[str, Any] = field(default_factory=dict)
    """Flags of the program, without their dashes; a tuple is a flag with several words."""
    scored: dict[str, str] = field(default_factory=dict)
    """The suite's names of the rows beside train, by split; none: the suite's own validation rows."""
    measures: tuple[str, ...] = ("accuracy",)
    """Which numbers the tables show beside speed and memory; the same for all systems of a case."""
    cache: str = ""
    """The case whose outputs of frozen layers nlptl finds; none: nothing is found."""
    also: Callable[[Path], dict[str, float]] | None = None
    """Gives more metrics, from the folder of nlptl's finished run."""

    @property
    def key(self) -> str:
        """The name on the command line."""
        return f"{self.name}/{self.system}"

    @property
    def own(self) -> bool:
        """Whether nlptl does it, with whatever flags: nlptl, nlptl_auto, ..."""
        return self.system.split("_")[0] == NLPTL


@dataclass(frozen=True)
class Target:
    """A bound on one number of nlptl in a case, alone or compared with another record of the same seed."""

    case: str
    measure: str
    """A key of the record or of its metrics, or trained_share."""
    bound: Literal[">=", "<="]
    limit: float
    how: Literal["value", "ratio", "difference"] = "value"
    """The number itself, divided by the other record's, or minus it."""
    other: tuple[str, str] | None = None
    """Case and system of the other record."""
    system: str = NLPTL
    """Whose number it is."""

    def __str__(self) -> str:
        """Returns the target as the tables state it."""
        name = MEASURES[self.measure] if self.system == NLPTL else f"{MEASURES[self.measure]} of {self.system}"
        if self.other is None:
            return f"{name} {self.bound} {self.limit:g}"
        other = "/".join(self.other)
        if self.how == "ratio":
            return f"{name} {self.bound} {self.limit:g} x {other}"
        return f"{name} {self.bound} {other} {self.limit:+g}"

    def met(self, value: float) -> bool:
        """Returns whether a value lies within the bound."""
        return value >= self.limit if self.bound == ">=" else value <= self.limit


@dataclass(frozen=True)
class Pair:
    """Two systems that are compared over all cases that both have."""

    system: str
    other: str | None = None
    """None: the best of the others, in each case and for each measure."""


MEASURES = {
    "accuracy": "accuracy",
    "binary_f1": "F1 of label 1",
    "pearson": "Pearson",
    "spearman": "Spearman",
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
    "micro_f1_at_half": "micro F1 at 0.5",
    "macro_f1_at_half": "macro F1 at 0.5",
    "entity_f1": "entity F1",
    "exact_match": "EM",
    "f1": "F1",
    "f1_untuned": "F1 at threshold 0",
    "threshold_gain": "F1 gained by the tuned threshold",
    "n_kills": "kills",
    "n_exact": "exact ends",
    "lost_s": "s lost per kill",
    "checkpoint_share": "checkpoints' share of the time",
    "gemm_share": "share of the bf16 matrix rate",
    "examples_per_s": "examples/s",
    "train_s": "training s",
    "total_s": "total s",
    "search_s": "s of the whole search",
    "peak_mib": "peak MiB",
    "trained_share": "share of parameters trained",
    "first_half_s": "s for the first half of the updates",
    "final_loss": "last training loss",
    "train_loss": "mean training loss",
    "reload_max_abs_diff": "logits' difference after reloading",
    "precision": "precision of the first 100",
    "n_planted": "wrong labels planted",
    "rank_correlation": "Spearman with fine-tuned scores",
    "random_is_last": "random weights come last",
    "pretrained_is_first": "the pretrained model comes first",
    "accuracy_coverage": "coverage of accuracy",
    "macro_f1_coverage": "coverage of macro F1",
    "difference_coverage": "coverage of a difference",
    "n_planted_flagged": "planted, flagged of 20",
    "n_null_flagged": "null, flagged of 20",
    "ece_before": "calibration error before",
    "ece_after": "and after",
    "ece_gain": "calibration error removed",
    "accuracy_change": "change of accuracy",
    "study_s": "s of the study",
    "alone_s": "s one by one",
    "speedup": "times faster",
    "cpu_speedup": "times less processor time",
    "report_mb": "MB of the report",
    "report_s": "s for the report",
}


def measure(record: dict[str, Any], name: str) -> float:
    """Returns a number of a record that succeeded."""
    if name == "trained_share":
        return float(record["parameters"]["trainable"] / record["parameters"]["total"])
    return float(record["metrics"][name] if name in record["metrics"] else record[name])


class Inputs(Protocol):
    """The data and the pretrained models of a suite, made when first asked for."""

    def train(self, name: str, seed: int) -> Path:
        """Returns a file of rows by name: training rows, or those that a case scores on."""

    def validation(self) -> Path:
        """Returns the file of rows to score on; not asked for where every case names its own."""

    def model(self, name: str) -> Path:
        """Returns the folder of a pretrained model."""


class Suite(Protocol):
    """A module under suites/."""

    TARGETS: tuple[Target, ...]
    CENTER: Callable[[Iterable[float]], float]
    """What the tables show of several seeds; where there is none, the mean."""
    PAIRS: tuple[Pair, ...]
    """What is compared over all cases; only a suite whose systems the tables show side by side has it."""

    def cases(self, scale: Scale) -> list[Case]:
        """Returns the cases in the order in which they run."""

    def inputs(self, data: Path, folder: Path, scale: Scale) -> Inputs:
        """Returns the inputs, which read from `data` and write to `folder`."""
