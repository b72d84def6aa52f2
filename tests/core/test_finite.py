"""JSON that every program reads: null for numbers that are not finite."""

import json
import math

import pytest

from nlptl.core.finite import to_json
from nlptl.core.records import Prediction
from nlptl.runs.folder import Folder

BAD = [math.nan, math.inf, -math.inf]


def strict(text: str) -> object:
    """Returns the value of JSON that has no words but its own."""

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize("bad", BAD)
def test_numbers_that_are_not_finite_become_null_wherever_they_stand(bad):
    value = {"a": bad, "b": [1.5, bad, {"c": (bad, "NaN")}], "d": 1e308, "e": None, "f": True}
    expected = {"a": None, "b": [1.5, None, {"c": [None, "NaN"]}], "d": 1e308, "e": None, "f": True}
    assert strict(to_json(value)) == expected


def test_a_prediction_is_json_whatever_its_scores():
    found = strict(Prediction(3, "good", {"good": math.nan, "bad": 0.5}).to_json())
    assert found == {"row_id": 3, "prediction": "good", "scores": {"good": None, "bad": 0.5}}


def test_the_log_is_json_whatever_the_loss(tmp_path):
    Folder(tmp_path).log({"update": 1, "loss": math.inf})
    assert strict((tmp_path / "metrics.jsonl").read_text()) == {"update": 1, "loss": None}
