"""What costs nothing and must be beaten; each output has a file under nlptl/evaluation/simple."""

from collections.abc import Callable, Sequence
from typing import Any

from nlptl.core.errors import InputError
from nlptl.core.records import Example, LabelSpace, Output
from nlptl.evaluation.simple import labels as one_label
from nlptl.evaluation.simple import numbers, several, spans, tags, texts

Predict = Callable[[Sequence[Example], Sequence[Example], LabelSpace, int], dict[str, Any]]

BASELINES: dict[Output, Predict] = {
    "class": one_label.predict,
    "classes": several.predict,
    "number": numbers.predict,
    "tags": tags.predict,
    "span": spans.predict,
    "text": texts.predict,
}


def baselines(
    output: Output, train: Sequence[Example], rows: Sequence[Example], labels: LabelSpace, *, seed: int
) -> dict[str, list[Any]]:
    """Returns the predictions for `rows`, by baseline, as `Prediction.prediction`.

    class: majority, tfidf_logreg. classes: majority, tfidf_logreg. number: mean, tfidf_ridge. tags: lexicon. span:
    overlap, and no_answer where some training rows have none. text: copy.

    Args:
        output: the kind of answer.
        train: labelled examples.
        rows: examples to predict; their labels are not read.
        labels: the label space.
        seed: of what is drawn to choose settings.

    Raises:
        InputError: there is no such output, there are no training examples, or one has no label or one outside of the
            label space.
    """
    if output not in BASELINES:
        raise InputError(f"unknown output {output!r}; known: {', '.join(BASELINES)}")
    if not train:
        raise InputError("expected at least one training example for the baselines, found none")
    missing = next((i for i, example in enumerate(train) if example.label is None), None)
    if missing is not None:
        raise InputError(f"train labels[{missing}] is None: leave out training examples without a label")
    return BASELINES[output](train, rows, labels, seed)
