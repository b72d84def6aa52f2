"""How the settings that follow from checkpoint and data were chosen: pooling, learning rates, weights of classes.

Everything but the setting in question is nlptl's default. Judged on 1,000 training rows that were not trained on; the
last state is scored. Three sets only, so that the others can show whether what was chosen holds elsewhere.

python benchmarks/run.py --suite settings --data ../shared/data
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cases import NLPTL, Case, Scale, Target

from suites.defaults import CLASSIFICATION, MEASURES, N_SMOKE, Data, DefaultsInputs, covering, rows_of
from suites.tasks import NEVER

LRS = {"1e-4": 1e-4, "2e-4": 2e-4, "5e-4": 5e-4}
OF_METHODS = {"lora": (2e-4, 5e-4, 1e-3, 2e-3), "adapter": (5e-4, 1e-3, 2e-3)}
"""Learning rates of methods that train few parameters, on two of the sets."""
UNBALANCED = "goemotions"
ROWS = {"sst2": 1_000, "goemotions": 1_000, "ag_news": 300}
N_HELD_OUT = 1_000
TARGETS: tuple[Target, ...] = ()


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run."""
    found = []
    for name in ROWS:
        found += [_case(name, f"lr_{text}", {"train.lr": lr}, scale) for text, lr in LRS.items()]
        found.append(_case(name, "native", {"model.pooling": "native"}, scale))
    found.append(_case(UNBALANCED, "balanced", {"train.class_weights": "balanced"}, scale))
    for name in list(ROWS)[:2]:
        for method, lrs in OF_METHODS.items():
            found += [_case(name, f"{method}_{lr:.0e}", {"method": method, "train.lr": lr}, scale) for lr in lrs]
    return found


def _case(name: str, what: str, options: dict[str, Any], scale: Scale) -> Case:
    fixed = {"train.keep": "last", "train.evaluate_every": NEVER, "eval.baselines": "none", "eval.n_bootstrap": 100}
    short = {} if scale == "full" else {"train.epochs": 1}
    scored = {"validation": f"{name}/{ROWS[name]}/held_out"}
    flags = {**fixed, **short, **options}
    return Case(
        f"{name}_{what}", NLPTL, CLASSIFICATION, f"{name}/{ROWS[name]}/train", "minilm", flags, scored, MEASURES
    )


def inputs(data: Path, folder: Path, scale: Scale) -> HeldOutInputs:
    """Returns the inputs, which read from `data` and write to `folder`."""
    return HeldOutInputs(data, folder, scale)


class HeldOutInputs(DefaultsInputs):
    """Training rows, and others of the training rows to judge on."""

    def _some(self, data: Data, n_rows: int, split: str, seed: int) -> list[dict[str, str]]:
        rows = covering(rows_of(self.data, data, seed))
        n_rows, n_held_out = (N_SMOKE, N_SMOKE) if self.smoke else (n_rows, N_HELD_OUT)
        return rows[:n_rows] if split == "train" else rows[n_rows : n_rows + n_held_out]
