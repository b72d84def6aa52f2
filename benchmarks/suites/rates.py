"""Which layers learn when and how fast: gradual unfreezing, and learning rates that fall from layer to layer.

Both are judged on rows held out of the training rows, so that a default may be chosen from them. All settings but the
one in question are nlptl's defaults; the last state is scored.

python benchmarks/run.py --suite rates --data ../shared/data --seeds 0,1,2
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cases import NLPTL, Case, Scale, Target

from suites import sentiment
from suites.tasks import CLASSIFICATION, GROUP, LONG, NEVER, Rows, TaskInputs

SENTIMENT = ("recipes/sentiment.py",)
DECAYS = {"10": 1.0, "09": 0.9, "08": 0.8}
N_LAYERS = 6
"""Of MiniLM: so many epochs give each phase of gradual unfreezing one."""
NOISE = 0.015  # of a difference of accuracies on 2,000 rows: about 1.5 standard errors

ROWS = {
    "sst2/train": Rows("sst2/train.tsv", 8_000, shuffled=True),
    "sst2/held_out": Rows("sst2/train.tsv", 2_000, after=8_000, shuffled=True),
    "ag_news/train": Rows("ag_news_7k/train.tsv", 4_000, shuffled=True),
    "ag_news/held_out": Rows("ag_news_7k/train.tsv", 1_000, after=4_000, shuffled=True),
    "20newsgroups/train": Rows("20newsgroups/train.jsonl", 1_000, shuffled=True, labels=GROUP),
    "20newsgroups/held_out": Rows("20newsgroups/train.jsonl", 2_000, after=1_000, shuffled=True, labels=GROUP),
}
TARGETS = (
    Target("unfreeze_gradual", "first_half_s", "<=", 0.7, "ratio", ("unfreeze_full", NLPTL)),
    Target("unfreeze_gradual", "accuracy", ">=", -NOISE, "difference", ("unfreeze_full", NLPTL)),
)


def first_half(folder: Path) -> dict[str, float]:
    """Returns the training time of the first half of the updates, from what the result says of each phase."""
    training: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))["training"]
    left, seconds = training["updates"] / 2, 0.0
    for phase in training["phases"]:
        n_updates = min(left, phase["updates"])
        seconds += phase["train_s"] * n_updates / phase["updates"]
        left -= n_updates
    return {"first_half_s": seconds}


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run."""
    found = [_unfreezing(name, how, scale) for name, how in (("full", "at_once"), ("gradual", "gradual"))]
    return found + [_decay(name, data, scale) for data in ("ag_news", "20newsgroups") for name in DECAYS]


def _unfreezing(name: str, how: str, scale: Scale) -> Case:
    measures, epochs = ("accuracy", "first_half_s"), N_LAYERS if scale == "full" else 1
    options = {**_options(scale), "train.epochs": epochs, "method.unfreeze": how}
    shared = {"scored": {"validation": "sst2/held_out"}, "measures": measures, "also": first_half}
    return Case(f"unfreeze_{name}", NLPTL, SENTIMENT, "sst2/train", "minilm", options, **shared)


def _decay(name: str, data: str, scale: Scale) -> Case:
    more = LONG if data == "20newsgroups" else {}
    options = {**_options(scale), **more, "train.layer_decay": DECAYS[name]}
    scored = {"validation": f"{data}/held_out"}
    return Case(f"decay_{name}_{data}", NLPTL, CLASSIFICATION, f"{data}/train", "minilm", options, scored)


def _options(scale: Scale) -> dict[str, Any]:
    epochs = {"train.epochs": 5 if scale == "full" else 1}
    return {"method": "full", "train.keep": "last", "train.evaluate_every": NEVER, **sentiment.alike("full"), **epochs}


def inputs(data: Path, folder: Path, scale: Scale) -> TaskInputs:
    """Returns the inputs, which read from `data` and write to `folder`."""
    return TaskInputs(data, folder, scale, ROWS)
