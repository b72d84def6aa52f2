"""Updates of BERT-base and RoBERTa-base in bf16 on one GPU, and labelling, by nlptl and by what a user would take.

Weights are random and texts are made up, for speed depends on neither; they are as long as SST-2's sentences, or 384
tokens. `make gpu` runs it, after the tests. Smoke takes tiny models and few rows, which a CPU computes in a minute.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import processes
from cases import NLPTL, Case, Scale, Target
from gpu import words

from suites import sentiment

NEEDS_DATA = False
FAMILIES = ("bert", "roberta")
BATCH, LONG, LONG_SMOKE = 32, 384, 48
N_WARM, N_TIMED = {"sst2": 64, "long": 16}, {"sst2": 256, "long": 96}  # updates
N_WARM_SMOKE, N_TIMED_SMOKE = 1, 2
N_PREDICTED, N_TAUGHT, N_SMOKE, N_WORDS_SMOKE = 20_000, 512, 64, 800
UPDATES, TRAINER = ("-m", "speed.updates"), ("-m", "peers.trainer")

TARGETS = (
    *(
        Target(case, "examples_per_s", ">=", limit, "ratio", (f"{family}_{rows}", "trainer"))
        for family in FAMILIES
        for rows, case, limit in (
            ("sst2", f"{family}_sst2", 3),
            ("sst2", f"{family}_sst2_graph", 3),
            ("long", f"{family}_long", 1.5),
        )
    ),
    Target("predict", "examples_per_s", ">=", 4, "ratio", ("predict", "pipeline")),
)


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run."""
    trained = [case for family in FAMILIES for case in _of(family, scale)]
    predict = [
        Case("predict", NLPTL, ("-m", "speed.predict"), "predicted", "trained"),
        Case("predict", "pipeline", ("-m", "peers.pipeline"), "predicted", "trained", {"precision": "bf16"}),
        Case("predict", "pipeline_fp32", ("-m", "peers.pipeline"), "predicted", "trained"),
    ]
    n_first = len(trained) // len(FAMILIES)
    return [*trained[:n_first], *predict, *trained[n_first:]]


def _of(family: str, scale: Scale) -> list[Case]:
    graphs = {"train.cuda_graph": "true"}
    return [
        _updates(f"{family}_sst2", "sst2", family, scale),
        *([_updates(f"{family}_sst2_graph", "sst2", family, scale, graphs)] if scale == "full" else []),
        _trainer(f"{family}_sst2", "sst2", family, scale),
        _updates(f"{family}_long", "long", family, scale),
        _trainer(f"{family}_long", "long", family, scale),
    ]


def _updates(name: str, rows: str, family: str, scale: Scale, more: dict[str, Any] | None = None) -> Case:
    options = {"n_warm": _n_warm(rows, scale), "model.max_length": LONG, **(more or {})}
    return Case(name, NLPTL, UPDATES, rows, family, options, measures=("train_loss", "gemm_share"))


def _trainer(name: str, rows: str, family: str, scale: Scale) -> Case:
    options = {"n_warm": _n_warm(rows, scale), "max_length": LONG, "epochs": 1, "n_workers": 2}
    return Case(name, "trainer", TRAINER, rows, family, options, measures=("train_loss",))


def _n_warm(rows: str, scale: Scale) -> int:
    return N_WARM[rows] if scale == "full" else N_WARM_SMOKE


def inputs(data: Path | None, folder: Path, scale: Scale) -> GpuInputs:
    """Returns the inputs, which write to `folder` and read nothing."""
    return GpuInputs(folder, scale)


class GpuInputs:
    """Made-up texts, models with random weights, and one of these trained for a moment, to predict with.

    Args:
        folder: for what is made.
        scale: smoke makes tiny models and few rows.
    """

    def __init__(self, folder: Path, scale: Scale) -> None:
        self.folder, self.scale = folder, scale
        self.model = cache(self._model)

    def train(self, name: str, seed: int) -> Path:
        """Returns the file of some rows."""
        smoke = self.scale == "smoke"
        path = self.folder / f"{name}-{seed}.tsv"
        if not path.exists():
            n = self._n_rows(name)
            quantiles = (LONG_SMOKE if smoke else LONG,) * 2 if name == "long" else words.SST2
            texts = words.table(words.lengths(n, quantiles, seed), seed, *([N_WORDS_SMOKE] if smoke else []))
            path.write_text(texts, encoding="utf-8")
        return path

    def validation(self) -> Path:
        """Returns the file of rows on which the peers are scored."""
        return self.train("validation", 1)

    def _n_rows(self, name: str) -> int:
        if name in N_WARM:
            n = N_WARM[name] + N_TIMED[name] if self.scale == "full" else N_WARM_SMOKE + N_TIMED_SMOKE
            return BATCH * n
        if self.scale == "smoke" or name == "validation":
            return N_SMOKE
        return {"predicted": N_PREDICTED, "taught": N_TAUGHT}[name]

    def _model(self, name: str) -> Path:
        path = self.folder / name
        log = self.folder / f"{name}.log"
        if name != "trained":
            processes.python(["-m", "pretrained.base_shapes", name, str(path), self.scale], log)
            return path
        flags = {"data.train": self.train("taught", 0), "data.validation": self.validation()}
        flags |= {"model.name": self.model("bert"), "train.epochs": 1, "output": path}
        flags |= {"eval.baselines": "none", "eval.n_bootstrap": 100}
        given = [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]
        processes.python([*sentiment.RECIPE, *given], log)
        return path / "model"
