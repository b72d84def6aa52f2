"""Fits on validation what decisions need; it becomes part of the model."""

from collections.abc import Sequence

from nlptl.core import kinds as core_kinds
from nlptl.core.config import EvalConfig
from nlptl.core.errors import InputError
from nlptl.core.plain import Decision
from nlptl.core.records import LabelSpace, Prediction
from nlptl.evaluation import abstention, kinds
from nlptl.evaluation.kind import Undecided


def decide(
    output: str,
    references: Sequence[object],
    predictions: Sequence[Prediction],
    labels: LabelSpace,
    wanted: EvalConfig,
) -> Decision:
    """Returns what decisions need: temperature, thresholds, the score below which the model abstains.

    {} if the kind of answers has none; see the kind's file in nlptl/evaluation/kinds.

    Args:
        output: the kind of answers.
        references: the labels.
        predictions: predictions for the same rows, made without a decision.
        labels: the label space.
        wanted: says whether scores are calibrated, and whether the model abstains.
    """
    return kinds.of(output).decide(Undecided(references, predictions, labels, wanted))


def check_decisions(output: str, wanted: EvalConfig, n_validation: int) -> None:
    """Checks before training that what is wanted can be fitted.

    Args:
        output: the kind of answers.
        wanted: says whether scores are calibrated, and whether the model abstains.
        n_validation: number of validation rows.

    Raises:
        InputError: it does not fit the kind of answers, or there are too few validation rows.
    """
    answer = core_kinds.of(output).answer
    if wanted.calibration != "none":
        if kinds.of(output).targets is None:
            raise InputError(
                f"eval.calibration {wanted.calibration} needs a score for each label of a text, and this task gives "
                f"{answer}: set eval.calibration none"
            )
        if not n_validation:
            raise _without_rows(f"eval.calibration {wanted.calibration}")
    if wanted.abstain is not None:
        if not core_kinds.of(output).one_name:
            raise InputError(f"eval.abstain is for one label per row, and this task gives {answer}: leave it out")
        if not n_validation:
            raise _without_rows("eval.abstain")
        least = abstention.least_rows(wanted.abstain)
        if n_validation < least:
            raise InputError(
                f"eval.abstain {wanted.abstain:g} needs at least {least:,} validation rows, found {n_validation:,}: "
                "fewer do not show such an accuracy, even if all are correct. Give more rows, for example "
                "as --data.validation, or a lower eval.abstain"
            )


def _without_rows(setting: str) -> InputError:
    return InputError(f"{setting} is fitted on validation rows, and the data has none: give --data.validation")
