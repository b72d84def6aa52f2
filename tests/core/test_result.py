"""result.json as a record."""

import json
import math
from pathlib import Path

import pytest

from nlptl.core.errors import InputError
from nlptl.core.result import Result

OLD = Path(__file__).parents[1] / "old_runs"


@pytest.mark.parametrize("name", ["full", "lora", "stopped"])
def test_an_older_result_is_written_as_it_was_read(tmp_path, name):
    Result.read(OLD / name / "result.json").write(tmp_path / "result.json")
    found, old = (json.loads((folder / "result.json").read_text()) for folder in (tmp_path, OLD / name))
    for values in (found, old):  # what is newer
        values.pop("format", None)
        values.pop("verdict", None)
        values["training"].pop("phases", None)
        values["memory"].pop("gpu_peak_mib", None)
    assert found == old


def test_an_older_result_is_read_into_its_fields():
    result = Result.read(OLD / "full" / "result.json")
    assert (result.status, result.task, result.training.updates) == ("succeeded", "sentiment", 12)
    assert result.metrics["test"]["accuracy"].value == result.primary.value == 0.7
    baseline = next(iter(result.baselines["test"].values()))
    assert baseline.metric == "accuracy"
    assert baseline.gain.value == pytest.approx(0.7 - baseline.value.value)


def test_a_number_that_is_not_finite_is_null_in_the_file_and_nan_in_the_record(tmp_path):
    nan = {"value": math.nan, "low": math.nan, "high": math.nan}
    Result.from_dict({"status": "succeeded", "metrics": {"test": {"pearson": nan}}}).write(tmp_path / "result.json")
    assert math.isnan(Result.read(tmp_path / "result.json").metrics["test"]["pearson"].value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"metrics": []}, r"result\.metrics is \[\]"),
        ({"training": {}}, r"result\.training has no updates"),
        ({"primary": {"name": 3, "split": "test", "value": 0.5}}, r"result\.primary\.name is 3"),
        ({"baselines": {"test": {"majority": {}}}}, "baselines"),
        ({"seed": True}, r"result\.seed is True"),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path, values, said):
    (tmp_path / "result.json").write_text(json.dumps({"status": "succeeded", **values}))
    with pytest.raises(InputError, match=rf"result\.json is damaged: .*{said}"):
        Result.read(tmp_path / "result.json")
