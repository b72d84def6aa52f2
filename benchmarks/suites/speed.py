"""The same work by nlptl and by what a user would take instead, on SST-2 and AG News with MiniLM; seeds are repeats.

python benchmarks/run.py --suite speed --data ../shared/data --seeds 0,1,2,3,4
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from statistics import median
from typing import Any

import processes
from cases import NLPTL, Case, Scale, Target

from suites import sentiment, tasks

CENTER = median
NEVER = 1_000_000  # updates between evaluations
BARE = {"train.keep": "last", "train.evaluate_every": NEVER, "eval.baselines": "none", "eval.n_bootstrap": 100}
AG_NEWS = "ag_news/some"
N_PREDICTED, N_TIMES_10, N_TIMES_1, N_SOME, N_FEW, N_AG_NEWS = 20_000, 10_000, 1_000, 4_000, 256, 1_000
N_ROWS = {
    "full": N_SOME,
    "partial": N_SOME // 2,
    "run_glue": N_FEW,
    "x10": N_TIMES_10,
    "x1": N_TIMES_1,
    "new": N_PREDICTED,
}
EPOCHS = 4
PROBE_EPOCHS = 10
WORDS = ("-m", "speed.predict")

TARGETS = (
    Target("full", "examples_per_s", ">=", 1.3, "ratio", ("full", "trainer_grouped")),
    Target("full", "gemm_share", ">=", 0.55),
    Target("full", "examples_per_s", ">=", 2, "ratio", ("full", "trainer_random")),
    Target("full", "examples_per_s", ">=", 12, "ratio", ("full", "run_glue")),
    Target("full_ag_news", "examples_per_s", ">=", 1.3, "ratio", ("full_ag_news", "trainer_grouped")),
    Target("partial", "examples_per_s", ">=", 2, "ratio", ("partial", "trainer_frozen")),
    Target("probe", "train_s", "<=", 0.1, "ratio", ("probe", "trainer_frozen")),
    Target("probe", "accuracy", ">=", 0, "difference", ("probe", "trainer_frozen")),
    Target("probe_again", "train_s", "<=", 0.05, "ratio", ("probe_all", NLPTL)),
    Target("lora", "examples_per_s", ">=", 1.3, "ratio", ("lora", "trainer_lora")),
    Target("predict", "examples_per_s", ">=", 4, "ratio", ("predict", "pipeline")),
    *(
        Target(case, "peak_mib", "<=", 1, "ratio", (case, system))
        for case, system in (
            ("full", "trainer_grouped"),
            ("full_ag_news", "trainer_grouped"),
            ("partial", "trainer_frozen"),
            ("probe", "trainer_frozen"),
            ("lora", "trainer_lora"),
            ("predict", "pipeline"),
        )
    ),
    Target("rows_x10", "train_s", "<=", 10.5, "ratio", ("rows_x1", NLPTL)),
)


def gemm(folder: Path) -> dict[str, float]:
    """Returns how much of the machine's matrix rate a run reached; see `speed.gemm`."""
    report = folder / "gemm.json"
    processes.python(["-m", "speed.gemm", str(folder), str(report)], folder / "gemm.log")
    found: dict[str, float] = json.loads(report.read_text(encoding="utf-8"))
    return found


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run."""
    full, ag_news = {"train.epochs": 1}, {"epochs": 1, "text": "text", "label": "label"}
    lora = {f"method.{name}": value for name, value in sentiment.LORA.items()} | {"train.lr": sentiment.LORA_LR}
    peer_lora = {"epochs": 1, "lr": sentiment.LORA_LR, **sentiment.LORA}
    long = {"scored": {"validation": AG_NEWS}}
    partial = {"method.layers": "last:2", "train.epochs": EPOCHS}
    return [
        _nlptl("full", "full", "full", full, measures=("accuracy", "gemm_share"), also=gemm),
        _peer("full", "trainer_grouped", "trainer", "full", {"epochs": 1}, measures=("accuracy",)),
        _peer("full", "trainer_random", "trainer", "full", {"epochs": 1, "sampling": "random"}),
        _peer("full", "run_glue", "trainer", "run_glue", {"epochs": 1, **sentiment.DEFAULTS}),
        _nlptl("full_ag_news", AG_NEWS, "full", full, tasks.CLASSIFICATION, **long),
        _peer("full_ag_news", "trainer_grouped", "glue", AG_NEWS, ag_news, **long),
        _nlptl("partial", "partial", "partial", partial),
        _peer("partial", "trainer_frozen", "trainer_frozen", "partial", {"epochs": EPOCHS, "n_trained": 2}),
        _nlptl("probe", "full", "probe", {}),
        _peer(
            "probe", "trainer_frozen", "trainer_frozen", "full", {"epochs": PROBE_EPOCHS, "n_trained": 0, "lr": 1e-3}
        ),
        _nlptl("probe_all", "all", "probe", {}),
        _nlptl("probe_again", "all", "probe", {}, cache="probe_all"),
        _nlptl("lora", "full", "lora", full | lora),
        _peer("lora", "trainer_lora", "trainer_lora", "full", peer_lora),
        Case("predict", NLPTL, WORDS, "new", "trained"),
        _peer("predict", "pipeline", "pipeline", "new", {}, model="trained"),
        _nlptl("rows_x1", "x1", "full", full),
        _nlptl("rows_x10", "x10", "full", full),
    ]


def _nlptl(
    name: str, train: str, method: str, options: dict[str, Any], program: Any = sentiment.RECIPE, **more: Any
) -> Case:
    return Case(
        name, NLPTL, program, train, "minilm", {"method": method, **BARE, **sentiment.alike(method), **options}, **more
    )


def _peer(
    name: str, system: str, module: str, train: str, options: dict[str, Any], model: str = "minilm", **more: Any
) -> Case:
    return Case(name, system, ("-m", f"peers.{module}"), train, model, options, **more)


def inputs(data: Path, folder: Path, scale: Scale) -> SpeedInputs:
    """Returns the inputs, which read from `data` and write to `folder`."""
    return SpeedInputs(data, folder, scale)


class SpeedInputs(sentiment.SentimentInputs):
    """SST-2's and AG News' rows, MiniLM, and MiniLM trained for a moment, to predict with."""

    def train(self, name: str, seed: int) -> Path:
        """Returns the file of the first rows of a seeded shuffle."""
        if name in N_ROWS:
            return self.head("train", sentiment.N_SMOKE if self.scale == "smoke" else N_ROWS[name], seed)
        if name != AG_NEWS:
            return super().train(name, seed)
        header, *rows = (self.data / "ag_news_7k" / "train.tsv").read_text(encoding="utf-8").split("\n")
        path = self.folder / f"ag_news-{seed}.tsv"
        rows = [row for row in rows if row]
        random.Random(seed).shuffle(rows)
        n_rows = sentiment.N_SMOKE if self.scale == "smoke" else N_AG_NEWS
        path.write_text("\n".join([header, *rows[:n_rows], ""]), encoding="utf-8")
        return path

    def _model(self, name: str) -> Path:
        if name != "trained":
            return super()._model(name)
        run = self.folder / "trained"
        flags = {"--data.train": self.train("run_glue", 0), "--model.name": self.model("minilm"), "--output": run}
        words = [str(word) for flag in flags.items() for word in flag]
        processes.python([*sentiment.RECIPE, *words, "--train.epochs", "1"], self.folder / "trained.log")
        return run / "model"
