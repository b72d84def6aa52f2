"""Answers in contexts with transformers' Trainer, as its scripts run_qa and utils_qa do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, DataCollatorWithPadding, set_seed

from peers import common, squad
from peers.trainer import TrainerSettings, fit

CONTEXT = 1  # the second sequence


@dataclass(frozen=True)
class QASettings(TrainerSettings):
    """Files, windows and training arguments."""

    max_length: int = 384
    stride: int = 128
    """Tokens that neighbouring windows share."""
    n_best: int = 20
    """Starts and ends looked at in each window."""
    max_answer: int = 30
    """Tokens of an answer."""


def run(settings: QASettings) -> None:
    """Trains, evaluates and writes the report."""
    set_seed(settings.seed)
    train, scored = squad.read(settings.train), squad.read(common.scored(settings))
    tokenizer = AutoTokenizer.from_pretrained(settings.model)
    model = AutoModelForQuestionAnswering.from_pretrained(settings.model, dtype=torch.float32)
    train_s = fit(model, _labelled(train, tokenizer, settings), DataCollatorWithPadding(tokenizer), settings)
    found = answers(model, tokenizer, scored, settings)
    pairs = list(zip(found, scored, strict=True))
    metrics = {name: mean(score(a, q) for a, q in pairs) for name, score in SCORES.items()}
    outcome = common.trained(model, metrics, train_s, len(train) * settings.epochs)
    common.write(settings, outcome, {"train": len(train), "scored": len(scored)})


SCORES = {"exact_match": squad.exact_match, "f1": squad.f1}


def answers(model: Any, tokenizer: Any, questions: Sequence[squad.Question], settings: QASettings) -> list[str]:
    """Returns the answer with the highest sum of start and end logits over all windows of each question's context."""
    windows = _windows(questions, tokenizer, settings)
    logits = [
        pair
        for output in common.outputs(model, tokenizer, common.rows_of(windows))
        for pair in zip(output.start_logits.numpy(), output.end_logits.numpy(), strict=True)
    ]
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(questions)
    for row, (start, end) in enumerate(logits):
        question = windows["overflow_to_sample_mapping"][row]
        for score, (first, last) in _spans(start, end, _places(windows, row), settings):
            if score > best[question][0]:
                best[question] = score, questions[question].context[first:last]
    return [text for _, text in best]


def _windows(questions: Sequence[squad.Question], tokenizer: Any, settings: QASettings) -> Any:
    return tokenizer(
        [question.question.lstrip() for question in questions],  # blanks in front can defeat truncation
        [question.context for question in questions],
        truncation="only_second",
        max_length=settings.max_length,
        stride=settings.stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=False,
    )


def _places(windows: Any, row: int) -> list[tuple[int, int] | None]:
    """Returns the characters of each token in the context, None for tokens of the question and special ones."""
    pairs = zip(windows["offset_mapping"][row], windows.sequence_ids(row), strict=True)
    return [place if sequence == CONTEXT else None for place, sequence in pairs]


def _labelled(questions: Sequence[squad.Question], tokenizer: Any, settings: QASettings) -> Dataset:
    windows = _windows(questions, tokenizer, settings)
    places = [
        _answer(_places(windows, row), questions[i]) for row, i in enumerate(windows["overflow_to_sample_mapping"])
    ]
    columns = {name: windows[name] for name in ("input_ids", "token_type_ids", "attention_mask") if name in windows}
    starts, ends = zip(*places, strict=True)
    return Dataset.from_dict({**columns, "start_positions": starts, "end_positions": ends})


def _answer(places: list[tuple[int, int] | None], question: squad.Question) -> tuple[int, int]:
    """Returns the first and last token of the first answer; (0, 0), the first token, where the window lacks a part."""
    bounds = [(token, *place) for token, place in enumerate(places) if place is not None]
    if not question.answers:
        return 0, 0
    first, last = question.starts[0], question.starts[0] + len(question.answers[0])
    starts = [token for token, start, _ in bounds if start <= first]
    ends = [token for token, _, end in bounds if end >= last]
    return (starts[-1], ends[0]) if starts and ends else (0, 0)


def _spans(
    start: np.ndarray, end: np.ndarray, places: list[tuple[int, int] | None], settings: QASettings
) -> list[tuple[float, tuple[int, int]]]:
    found = []
    for first in np.argsort(-start)[: settings.n_best]:
        for last in np.argsort(-end)[: settings.n_best]:
            opening, closing = (places[i] if i < len(places) else None for i in (first, last))  # the rest is padding
            if opening is None or closing is None or not 0 <= last - first < settings.max_answer:
                continue
            found.append((float(start[first] + end[last]), (opening[0], closing[1])))
    return found


if __name__ == "__main__":
    run(common.settings_of(QASettings))
