"""What each word of a text adds to a prediction."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from nlptl.core.errors import InputError, nearest
from nlptl.core.explanation import Explanation, Word
from nlptl.core.protocols import Locating
from nlptl.data.scripts import words_in
from nlptl.engine.attribution import Question
from nlptl.runs.encoding import encode
from nlptl.runs.predictor import Predictor, Torch
from nlptl.tasks import kinds

if TYPE_CHECKING:
    import torch

    from nlptl.core.records import Example, Features, Prediction, Pretrained
    from nlptl.engine.attribution import Attribution

COLUMNS = ("text", "text_pair")


class Explainer:
    """Explains the predictions of an opened model by the words of their texts.

    Args:
        predictor: the model.
        label: the label to explain; None: the predicted one, of several labels the likeliest.

    Raises:
        InputError: the model's predictions cannot be explained, or it has no such label.
    """

    def __init__(self, predictor: Predictor, label: str | None = None) -> None:
        pretrained, task = predictor.pretrained, predictor.task
        value = kinds.explained(pretrained.output)
        if value is None:
            raise InputError(
                f"this model answers with {pretrained.kind.answer}, which is no single value that words add to: "
                "explanations are for tasks with one label, several labels or a number for each row"
            )
        if not isinstance(task, Locating):
            raise InputError(
                f"the task {type(task).__name__} does not say which characters its tokens cover: give it a method "
                "`characters` (nlptl.core.protocols.Locating), or derive it from nlptl.tasks.parts.whole_text.WholeText"
            )
        if not isinstance(predictor.runtime, Torch):
            raise InputError("explanations need gradients, which only torch computes: open the run's model/ folder")
        _check_label(label, pretrained)
        self._predictor, self._task, self._runtime, self._label = predictor, task, predictor.runtime, label
        self._explained = value
        self._baseline = _baseline(pretrained)
        vocabulary = pretrained.tokenizer.get_vocab().items()
        self._baseline_token = next(token for token, i in vocabulary if i == self._baseline)

    def explain(self, example: Example) -> Explanation:
        """Returns the explanation of one row's prediction."""
        pretrained = self._predictor.pretrained
        (prediction,) = self._predictor.predict([example])
        label = self._label or _predicted(prediction, pretrained)
        index = 0 if label is None else pretrained.labels.names.index(label)

        def value(outputs: torch.Tensor) -> torch.Tensor:
            return self._explained(outputs, index, pretrained.labels)

        features = encode(self._predictor.task, [example], pretrained)
        characters = self._task.characters([example], pretrained)
        found = self._runtime.attribute(features, Question(value, self._baseline, characters[:, 0] >= 0))
        words = [
            word for i, column in enumerate(COLUMNS) for word in _words(example, column, _of(characters, found, i))
        ]
        return Explanation(
            row_id=example.row_id,
            text=example.text,
            text_pair=example.text_pair,
            prediction=prediction.prediction,
            label=label,
            value=found.value,
            baseline=found.baseline,
            baseline_token=self._baseline_token,
            words=tuple(words),
            error=found.error,
            is_complete=found.is_complete,
            n_steps=found.n_steps,
            terms=self._of_terms(features, value),
        )

    def _of_terms(self, features: Features, value: Callable[[torch.Tensor], torch.Tensor]) -> float | None:
        """Returns what the terms that the head reads add to the value; None if it reads none."""
        import torch

        if features.terms is None:
            return None
        both = (self._runtime.answers(some) for some in (features, replace(features, terms=None)))
        with_terms, without = (float(value(torch.from_numpy(outputs)).mean()) for outputs in both)
        return with_terms - without


def _check_label(label: str | None, pretrained: Pretrained) -> None:
    if label is None:
        return
    names = pretrained.labels.names
    if pretrained.kind.names is None:
        raise InputError(f"--label names the label to explain, but this model answers with {pretrained.kind.answer}")
    if label not in names:
        raise InputError(f"the model has no label {label!r}{nearest(label, names)}; labels: {', '.join(names)}")


def _predicted(prediction: Prediction, pretrained: Pretrained) -> str | None:
    if pretrained.kind.names is None:
        return None
    return max(prediction.scores, key=prediction.scores.__getitem__) if prediction.scores else prediction.prediction


def _baseline(pretrained: Pretrained) -> int:
    """Returns the id of the token that stands for a missing token: padding; without one the unknown or end token."""
    tokenizer = pretrained.tokenizer
    ids = (tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.eos_token_id)
    found = next((i for i in ids if i is not None), None)
    if found is None:
        raise InputError("the tokenizer has no token for padding, unknown words or the end: there is no baseline")
    return found


def _of(characters: np.ndarray, found: Attribution, text: int) -> list[tuple[int, int, float]]:
    """Returns start, end and attribution of each token of one of the texts."""
    own = characters[:, 0] == text
    starts, ends = characters[own, 1].tolist(), characters[own, 2].tolist()
    return list(zip(starts, ends, found.tokens[own].tolist(), strict=True))


def _words(example: Example, column: str, tokens: Sequence[tuple[int, int, float]]) -> list[Word]:
    """Returns the words of a text with the sums of their tokens; words that share a token are one."""
    text = getattr(example, column) or ""
    words = _joined(words_in(text), np.array([token[:2] for token in tokens]).reshape(-1, 2))
    ends, values = [end for _, end in words], dict[int, float]()
    for start, _, value in tokens:
        place = min(bisect_right(ends, start), len(words) - 1)  # of blanks: the next word, at the end the last
        values[place] = values.get(place, 0.0) + value
    return [Word(text[a:b], a, b, values.get(i), column) for i, (a, b) in enumerate(words)]


def _joined(words: Sequence[tuple[int, int]], tokens: np.ndarray) -> list[tuple[int, int]]:
    """Returns the words' starts and ends; words into which one token reaches are one.

    Args:
        words: start and end of each, in order.
        tokens: (n, 2): start and end of each.
    """
    found: list[tuple[int, int]] = []
    for start, end in words:
        last = found[-1] if found else None
        if last and ((tokens[:, 0] < last[1]) & (tokens[:, 1] > start)).any():
            found[-1] = (last[0], end)
        else:
            found.append((start, end))
    return found
