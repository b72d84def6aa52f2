"""Ranges of settings, as they are written on the command line."""

import pytest

from nlptl import InputError, Recipe
from nlptl.core.spaces import Space, applied, parse


def test_every_form_is_read():
    text = (
        "train.lr=log(1e-5, 1e-3)  model.dropout=uniform(0,0.3) method.rank=int(4,16) train.schedule=[linear, cosine]"
    )
    assert parse(text) == [
        Space("train.lr", "log", 1e-5, 1e-3),
        Space("model.dropout", "uniform", 0.0, 0.3),
        Space("method.rank", "int", 4.0, 16.0),
        Space("train.schedule", "choice", choices=("linear", "cosine")),
    ]
    assert parse("method.rank=[4,8,16]")[0].choices == (4, 8, 16)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found none"),
        ("train.lr", "is written FIELD="),
        ("train.lr=log(1e-3,1e-5)", "below its high end"),
        ("train.lr=log(0,1)", "above 0"),
        ("train.lr=log(a,b)", "two numbers"),
        ("train.lr=log(1e-5,1e-3) train.lr=[1,2]", "each field once"),
        ("train.lr=normal(0,1)", "is written FIELD="),
        ("lr=log(1e-5,1e-3)", "is written FIELD="),
        ("train.lr=log(1e-5,1e-3)train.epochs=[1]", "is written FIELD="),
    ],
)
def test_what_is_no_range_is_refused(text, said):
    with pytest.raises(InputError, match=said):
        parse(text)


def test_values_are_set_and_checked_like_any_setting():
    recipe = applied(Recipe(method="lora"), {"train.lr": 1e-4, "method.rank": 4})
    assert (recipe.train.lr, recipe.method.rank) == (1e-4, 4)
    for values, said in (
        ({"train.lrr": 1}, "lrr"),
        ({"data.text": "x"}, "not data.text"),
        ({"what.lr": 1}, "not what.lr"),
        ({"train.lr": 7.0}, "at most 1"),
    ):
        with pytest.raises(InputError, match=said):
            applied(recipe, values)
