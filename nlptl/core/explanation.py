"""What each word adds to a prediction, as records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from nlptl.core import typed
from nlptl.core.finite import finite


@dataclass(frozen=True)
class Word:
    """A word of the text, or words that the tokenizer does not divide."""

    text: str
    start: int
    """Index of the first character."""
    end: int
    """Index after the last character."""
    value: float | None
    """What it adds to the explained value; None if the model has not read it, because the text is too long."""
    column: str = "text"
    """text, or text_pair for the second text of a pair."""


@dataclass(frozen=True)
class Explanation:
    """What the words of one row add to a prediction."""

    row_id: int
    text: str
    text_pair: str | None
    prediction: object
    """As `Prediction.prediction`."""
    label: str | None
    """The label whose logit is explained; None if the answer is a number."""
    value: float
    """The logit, or the number in the unit of the data."""
    baseline: float
    """The same without words: each token of the text is the baseline token."""
    baseline_token: str
    words: tuple[Word, ...]
    """In the order of the text."""
    error: float
    """Error of completeness: the sum of the words' values minus (value - baseline)."""
    is_complete: bool
    """Whether the error is small enough."""
    n_steps: int
    """Steps of the integral."""
    terms: float | None = None
    """What TF-IDF terms that the head reads itself add to the value, apart from the words' values; None if it reads
    none."""

    @property
    def explained(self) -> str:
        """The name of the value."""
        return "number" if self.label is None else "logit"

    def to_dict(self) -> dict[str, object]:
        """Returns the explanation as plain values."""
        pair = {} if self.text_pair is None else {"text_pair": self.text_pair}
        terms = {} if self.terms is None else {"terms": self.terms}
        return {
            "row_id": self.row_id,
            "text": self.text,
            **pair,
            "prediction": self.prediction,
            "label": self.label,
            self.explained: self.value,
            "baseline": {"token": self.baseline_token, self.explained: self.baseline},
            **terms,
            "completeness": {"error": self.error, "is_complete": self.is_complete, "n_steps": self.n_steps},
            "words": [asdict(word) for word in self.words],
        }

    def to_json(self, *, ascii_only: bool = False) -> str:
        """Returns the explanation as one line of JSON."""
        return json.dumps(finite(self.to_dict()), ensure_ascii=ascii_only, allow_nan=False)

    @staticmethod
    def from_dict(values: Mapping[str, object]) -> Explanation:
        """Returns the explanation for the output of `to_dict`; unknown fields are ignored.

        Raises:
            TypeError: a value does not have the type of its field.
            KeyError: one is missing.
        """
        of = typed.of_type
        name = "number" if values.get("label") is None else "logit"
        baseline, complete = (of(dict, values[part], part) for part in ("baseline", "completeness"))
        plain = {
            **values,
            "text_pair": values.get("text_pair"),
            "value": values[name],
            "baseline": baseline[name],
            "baseline_token": baseline["token"],
            **complete,
        }
        return typed.record(Explanation, plain, "explanation")
