"""The plan of a study: what it consists of, and what is refused before anything is read."""

import pytest

import nlptl
from nlptl import LoRA, Plan, Recipe
from nlptl.core.errors import InputError


def plan(**fields):
    return Plan(Recipe(data="rows.csv"), **{"methods": ["probe"]} | fields)


def test_a_plan_is_every_combination_each_with_a_name_of_its_own():
    found = plan(methods="tfidf,probe", models=["bert", "a/b"], seeds=[0, 1], label_counts=[8, None])
    cells = list(found.cells())
    assert len(cells) == len({cell.name for cell in cells}) == 16
    assert cells[0].name == "tfidf-bert-8-seed0"
    assert cells[-1].name == "probe-b-all-seed1"
    assert [cell.label_count for cell in cells] == [8] * 8 + [None] * 8


def test_each_cell_is_the_same_recipe_but_for_what_is_compared():
    recipe = Recipe(data="rows.csv", train={"epochs": 3, "seed": 9})
    lora, tfidf = Plan(recipe, ["lora", "tfidf"], seeds=[4], label_counts=[8]).cells()
    assert (lora.recipe.train.seed, lora.recipe.train.epochs) == (4, 3)
    assert (lora.recipe.data.per_class, lora.recipe.data.n_train) == (8, None)
    assert tfidf.recipe.method == nlptl.Hybrid(balances=(0.0,))
    assert lora.recipe.method == LoRA()


def test_all_cells_have_the_same_splits():
    assert {cell.recipe.data.split_seed for cell in plan(seeds=[3, 4, 5]).cells()} == {3}
    given = Plan(Recipe(data={"train": "rows.csv", "split_seed": 7}), ["probe"], seeds=[3, 4])
    assert {cell.recipe.data.split_seed for cell in given.cells()} == {7}


def test_counts_are_of_rows_if_answers_have_no_classes():
    (cell,) = Plan(Recipe(task="regression", data="rows.csv"), ["probe"], label_counts=[8]).cells()
    assert (cell.recipe.data.n_train, cell.recipe.data.per_class) == (8, None)


def test_methods_are_names_or_names_with_fields_or_objects():
    found = plan(methods=["lora", {"name": "lora", "rank": 2}, nlptl.Probe()])
    assert list(found.methods) == ["lora", "lora rank=2", "probe"]
    assert found.methods["lora rank=2"].rank == 2
    assert [cell.name for cell in found.cells()] == ["lora-seed0", "lora_rank=2-seed0", "probe-seed0"]


def test_a_plan_is_read_from_plain_values():
    values = {"methods": ["tfidf"], "seeds": [0, 1], "task": "sentiment", "data": {"train": "rows.csv"}}
    assert Plan.from_dict(values).recipe == Recipe("sentiment", "rows.csv")
    assert Plan.from_dict(values).to_dict() == Plan.from_dict(values).to_dict()
    assert Plan.from_dict(values).to_dict()["seeds"] == [0, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"methods": ["lroa"]}, "unknown method 'lroa'.*did you mean 'lora'"),
        ({"methods": ["tfidff"]}, "did you mean 'tfidf'"),
        ({"methods": []}, "one or more methods"),
        ({"methods": ["lora", "lora"]}, "'lora' is given twice"),
        ({"methods": 3}, "methods must be a list"),
        ({"methods": [{"name": "lora", "rnk": 3}]}, "did you mean 'rank'"),
        ({"seeds": [0, 0]}, "seeds must be one or more values, each once"),
        ({"seeds": []}, "found none"),
        ({"seeds": [-1]}, "at least 0, found -1"),
        ({"seeds": ["a"]}, "whole numbers"),
        ({"label_counts": [0]}, "at least 1, found 0"),
        ({"label_counts": [8, 8]}, "each once"),
        ({"seeds": list(range(10_001))}, "at most 10,000"),
        ({"models": ["x/bert", "y/bert"]}, "would have the same folders"),
    ],
)
def test_what_cannot_be_planned_is_refused(fields, message):
    with pytest.raises(InputError, match=message):
        plan(**fields)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "a plan needs methods"),
        ([], "a plan needs methods"),
        ({"methods": ["probe"], "seds": [0]}, "no part 'seds'.*did you mean 'seeds'"),
        ({"methods": ["probe"], "method": "lora"}, "no part 'method'"),
        ({"methods": ["probe"], "train": {"epoch": 3}}, "did you mean 'epochs'"),
    ],
)
def test_a_plan_with_a_wrong_part_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        Plan.from_dict(values)
