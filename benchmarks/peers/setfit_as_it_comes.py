"""SetFit with the settings that it has if nobody gives any: contrastive pairs, then logistic regression."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from peers import common

INSTALL = "SetFit cannot be imported ({}): install it into an environment of its own, see benchmarks/README.md"


@dataclass(frozen=True)
class SetFitSettings(common.Files):
    """Files, and for trying out a limit."""

    max_steps: int = -1
    """Most updates; -1: all pairs are seen once, as it comes."""


def run(settings: SetFitSettings) -> None:
    """Trains, scores the test rows and writes the report; the validation rows are not read.

    Raises:
        SystemExit: SetFit is not installed.
    """
    try:
        import setfit
    except ImportError as error:
        raise SystemExit(INSTALL.format(error)) from error
    train, scored = common.labelled(settings.train), common.labelled(common.scored(settings))
    names = sorted(set(train.labels))
    model = setfit.SetFitModel.from_pretrained(str(settings.model))
    model.model_body.max_seq_length = settings.max_length
    dataset = Dataset.from_dict({"text": train.texts, "label": [names.index(label) for label in train.labels]})
    train_s, n_examples = _train(setfit, model, dataset, settings)
    found = [names[i] for i in model.predict(scored.texts, as_numpy=True)]
    outcome = _outcome(model, common.scores(scored.labels, found), train_s, n_examples)
    about = {"version": setfit.__version__}
    common.write(settings, outcome, {"train": len(train.texts), "scored": len(scored.texts)}, about)


def _train(setfit: Any, model: Any, dataset: Dataset, settings: SetFitSettings) -> tuple[float, int]:
    """Returns the seconds, and the texts that the body saw."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = setfit.TrainingArguments(
            output_dir=folder,
            seed=settings.seed,
            max_steps=settings.max_steps,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            show_progress_bar=False,
        )
        trainer = setfit.Trainer(model=model, args=arguments, train_dataset=dataset)
        began = time.perf_counter()
        trainer.train()
        train_s = time.perf_counter() - began
        n_pairs = trainer.st_trainer.state.global_step * arguments.embedding_batch_size
    return train_s, 2 * n_pairs


def _outcome(model: Any, metrics: dict[str, float], train_s: float, n_examples: int) -> common.Outcome:
    sizes = [p.numel() for p in model.model_body.parameters()]
    n_parameters = sum(sizes) + model.model_head.coef_.size + model.model_head.intercept_.size
    return common.Outcome(metrics, train_s, n_examples, n_parameters, n_parameters)


if __name__ == "__main__":
    run(common.settings_of(SetFitSettings))
