"""What a text of the command line stands for, by the annotation of its field; what stands for nothing is refused."""

import math
from typing import Any, Literal

import pytest
import yaml

from nlptl.core.checks import check_types, from_yaml, read_value
from nlptl.core.config import TrainConfig
from nlptl.core.errors import InputError

TEXTS = ["", " ", "2024", "007", "1e-4", "true", "null", "~", "#1 film", "a: b", "[a, b]", "{", "'a'", "@x", "%s", "--"]
LAYERS = Literal["linear", "attention"] | list[str]


@pytest.mark.parametrize("hint", [str, str | None, Any])
@pytest.mark.parametrize("text", TEXTS)
def test_texts_and_data_stay_as_they_are(hint, text):
    assert read_value("data.text", hint, text) == text


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (int, "3", 3),
        (int, "-3", -3),
        (int, "+3", 3),
        (int, "007", 7),
        (int, "1_000", 1000),
        (int, "0x10", 16),
        (int, "  3 ", 3),
        (int | None, "3", 3),
        (int | None, "null", None),
        (int | None, "~", None),
        (float, "3", 3.0),
        (float, "1e-4", 1e-4),
        (float, "1E-4", 1e-4),
        (float, "1.e-4", 1e-4),
        (float, "1e3", 1000.0),
        (float, ".5", 0.5),
        (float, "5.", 5.0),
        (float | None, "-0.1", -0.1),
        (float | None, "NULL", None),
        (bool, "true", True),
        (bool, "True", True),
        (bool, "yes", True),
        (bool, "on", True),
        (bool, "false", False),
        (bool, "no", False),
        (bool, "off", False),
        (Literal["none", "null", "true", "2"], "none", "none"),
        (Literal["none", "null", "true", "2"], "null", "null"),
        (Literal["none", "null", "true", "2"], "true", "true"),
        (Literal["none", "null", "true", "2"], "2", "2"),
        (Literal["mean", "none"] | None, "none", "none"),
        (Literal["mean", "none"] | None, "null", None),
        (Literal[1, 2], "2", 2),
        (Literal["auto"] | int, "auto", "auto"),
        (Literal["auto"] | int, "3", 3),
        (int | str, "3", 3),
        (int | str, "3.5", "3.5"),
        (list[str] | None, "accuracy", ["accuracy"]),
        (list[str] | None, "accuracy,auroc", ["accuracy", "auroc"]),
        (list[str] | None, "accuracy, auroc,", ["accuracy", "auroc"]),
        (list[str] | None, "[accuracy, auroc]", ["accuracy", "auroc"]),
        (list[str] | None, '["accuracy"]', ["accuracy"]),
        (list[str] | None, "- accuracy\n- auroc", ["accuracy", "auroc"]),
        (list[str] | None, "[]", []),
        (list[str] | None, "", []),
        (list[str] | None, "3", ["3"]),
        (list[str] | None, "true", ["true"]),
        (list[str] | None, "#1", ["#1"]),
        (list[str] | None, "null", None),
        (LAYERS, "attention", "attention"),
        (LAYERS, "[query, value]", ["query", "value"]),
        (LAYERS, "[query]", ["query"]),
        (LAYERS, "query,value", ["query", "value"]),
        (tuple[float, ...], "[0.1, 1e-3]", (0.1, 1e-3)),
        (tuple[float, ...], "[1, 2]", (1.0, 2.0)),
        (tuple[float, ...], "0.1,1e-3", (0.1, 1e-3)),
        (list[int], "1, 2", [1, 2]),
        (dict[str, str] | None, '{"0": "negative"}', {"0": "negative"}),
        (dict[str, str] | None, "{0: negative, 1: positive}", {0: "negative", 1: "positive"}),
        (dict[str, str] | None, "0: negative", {0: "negative"}),
        (dict[str, str] | None, "{}", {}),
        (dict[str, str] | None, "null", None),
        (dict[str, float], "{a: 1}", {"a": 1.0}),
    ],
)
def test_a_text_is_read_by_the_annotation(hint, text, value):
    found = read_value("train.x", hint, text)
    assert (found, type(found)) == (value, type(value))
    if isinstance(value, tuple | list):
        assert [type(item) for item in found] == [type(item) for item in value]


@pytest.mark.parametrize(
    ("hint", "text", "asked"),
    [
        (int, "3.0", "a whole number"),
        (int, "1e3", "a whole number"),
        (int, "true", "a whole number"),
        (int, "", "a whole number"),
        (int, "null", "a whole number"),
        (int | None, "#1", "a whole number"),
        (int | None, "none", "a whole number"),
        (int, "9" * 5000, "a whole number"),
        (float, "nan", "a finite number"),
        (float, ".inf", "a finite number"),
        (float, "1e400", "a finite number"),
        (float, "9" * 400, "a finite number"),
        (float, "high", "a finite number"),
        (float, "2001-01-01", "a finite number"),
        (float, "2001-99-01", "a finite number"),
        (bool, "1", "true or false"),
        (bool, "TRUE?", "true or false"),
        (LAYERS, "atention", "one of linear, attention or a list, each item a text, found 'atention' (did you mean "),
        (list[str] | None, "[1, 2]", "a list, each item a text"),
        (list[str] | None, "&a [*a]", "a list, each item a text"),
        (tuple[float, ...], "[1, b]", "a list, each item a finite number"),
        (tuple[float, ...], "1,b", "a list, each item a finite number"),
        (tuple[float, ...], "1,]", "a list, each item a finite number"),
        (dict[str, str], "positive", "a mapping of names"),
        (dict[str, str], "{0: 1}", "a mapping of names"),
        (dict[str, str], "{", "a mapping of names"),
        (dict[str, str], "[" * 2000, "a mapping of names"),
        (dict[str, str], "!!python/object:os.system ls", "a mapping of names"),
        (Literal["mean", "max"], "men", "one of mean, max, found 'men' (did you mean 'mean'?)"),
    ],
)
def test_a_text_that_stands_for_nothing_is_refused(hint, text, asked):
    with pytest.raises(InputError) as raised:
        read_value("train.x", hint, text)
    assert str(raised.value).startswith(f"train.x must be {asked}")


def test_numbers_in_yaml_may_have_an_exponent_alone():
    assert from_yaml("[1e-4, 1.5e+3, -1E3, .5e1]") == [1e-4, 1500.0, -1000.0, 5.0]
    assert from_yaml("[1e, e4, 1e-4x, 2e-4-b]") == ["1e", "e4", "1e-4x", "2e-4-b"]
    assert yaml.safe_load("1e-4") == "1e-4"


@pytest.mark.parametrize("lr", [10**400, math.inf, math.nan, -math.inf])
def test_a_number_that_no_float_holds_is_refused(lr):
    config = TrainConfig()
    object.__setattr__(config, "lr", lr)
    with pytest.raises(InputError, match=r"train\.lr must be a finite number"):
        check_types("train", config)
