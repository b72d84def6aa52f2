"""What a run says of the decisions that were fitted on validation."""

from nlptl.core.result import Primary, Result
from nlptl.report.voice import say


def tell(result: Result) -> None:
    """Prints the temperature of the scores, and from how many rows the model abstains, if it has been asked to."""
    if result.primary is None:
        return
    if "temperature" in result.decision:
        say("scores", _temperature(result.decision["temperature"], result.rows.get("validation", 0)))
    if "abstain_below" in result.decision:
        say("abstain", _abstention(result, result.primary))


def _temperature(temperature: float, n_rows: int) -> str:
    if temperature == 1:
        return f"left as they are: all {n_rows:,} validation rows are correct, so no temperature is the likeliest"
    return f"at temperature {temperature:.3g}, fitted on {n_rows:,} validation rows"


def _abstention(result: Result, primary: Primary) -> str:
    split, below = primary.split, result.decision["abstain_below"]
    metrics = result.metrics[split]
    coverage, accuracy = metrics["coverage"], metrics.get("selective_accuracy")
    if below > 1:
        return "from all rows: no score reaches eval.abstain on validation with 95 % confidence"
    answers = f"answers {coverage.value:.1%} of {split} ({coverage.low:.1%} to {coverage.high:.1%})"
    if accuracy is None:
        return f"from scores below {below:.4f}; {answers}"
    correct = f"{accuracy.value:.4f} of these are correct ({accuracy.low:.4f} to {accuracy.high:.4f})"
    return f"from scores below {below:.4f}; {answers}; {correct}"
