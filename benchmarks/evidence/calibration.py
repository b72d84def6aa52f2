"""What a temperature does to the stated confidence: `-m evidence.calibration`.

Both runs have the same seed, so their models are equal; one has its scores divided by a temperature.
"""

from evidence.common import Given, main, rows_of, trained
from nlptl import Run

TEMPERATURE = {"calibration": "temperature"}


def measure(given: Given) -> dict[str, float]:
    """Returns the expected calibration error and the accuracy on the test rows, without and with a temperature."""
    rows, test = rows_of(given.train), rows_of(given.test)
    plain = trained(given, "plain", rows, test, eval={"baselines": "none"})
    scaled = trained(given, "scaled", rows, test, eval={"baselines": "none"} | TEMPERATURE)
    before, after = _measured(plain), _measured(scaled)
    return {
        "ece_before": before["ece"],
        "ece_after": after["ece"],
        "ece_gain": before["ece"] - after["ece"],
        "log_loss_gain": before["log_loss"] - after["log_loss"],
        "accuracy_change": abs(before["accuracy"] - after["accuracy"]),
        "temperature": float(scaled.result.decision["temperature"]),
        "n_rows": len(test),
    }


def _measured(run: Run) -> dict[str, float]:
    return {name: found["value"] for name, found in run.metrics["test"].items()}


if __name__ == "__main__":
    main(measure)
