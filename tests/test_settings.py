"""Settings that the user leaves open follow from the checkpoint and the data; what is given stays."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from nlptl import DataConfig, EvalConfig, ModelConfig, Recipe, TrainConfig
from nlptl.cli.recipe import parse_recipe
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.runs import settings
from nlptl.tasks.sentiment import Sentiment
from tests import tiny
from tests.faults.small import make_bert, write_splits


def resolved(tiny_folders, n_rows, n_validation=0, **given):
    recipe = Recipe(train=TrainConfig(**given))
    return settings.resolved(recipe, tiny.load(tiny_folders["bert"]), n_rows, n_validation)


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "epochs"),
    [(40, 16, 20), (499, 16, 16), (500, 32, 20), (1_600, 32, 10), (3_000, 32, 6), (67_349, 32, 5)],
)
def test_few_rows_are_trained_longer(tiny_folders, n_rows, batch_size, epochs):
    recipe, reasons = resolved(tiny_folders, n_rows)
    assert (recipe.train.batch_size, recipe.train.epochs) == (batch_size, epochs)
    n_updates = -(-n_rows // batch_size) * epochs
    assert settings.n_updates(recipe.train, n_rows) == n_updates
    assert recipe.train.warmup == -(-n_updates * 6 // 100)
    assert f"{n_updates:,}" in reasons["train.epochs"]
    assert set(reasons) == {"train.batch_size", "train.epochs", "train.warmup", "train.lr"}


def test_what_is_given_stays_and_has_no_reason(tiny_folders):
    given = {"batch_size": 4, "epochs": 3, "warmup": 7, "lr": 0.01}
    recipe, reasons = resolved(tiny_folders, 40, **given)
    assert {name: getattr(recipe.train, name) for name in given} == given
    assert reasons == {}


@pytest.mark.parametrize(("n_validation", "every"), [(96, None), (97, 2), (910, 10), (100_000, 20)])
def test_many_validation_rows_are_evaluated_less_often(tiny_folders, n_validation, every):
    """Of 20 epochs with 16 rows each, an update each."""
    recipe, reasons = resolved(tiny_folders, 16, n_validation)
    assert recipe.train.evaluate_every == every
    assert ("train.evaluate_every" in reasons) == (every is not None)


@pytest.mark.parametrize("given", [{"evaluate_every": 1}, {"early_stopping": 3}])
def test_who_says_when_to_evaluate_or_to_stop_decides(tiny_folders, given):
    recipe, reasons = resolved(tiny_folders, 16, 10_000, **given)
    assert recipe.train.evaluate_every == given.get("evaluate_every")
    assert "train.evaluate_every" not in reasons


def test_a_stored_recipe_evaluates_as_it_did(tiny_folders):
    stored = {"epochs": 20, "batch_size": 16, "warmup": 2, "lr": 1e-3}
    assert resolved(tiny_folders, 16, 10_000, **stored)[0].train.evaluate_every is None


def test_a_given_batch_size_decides_how_many_epochs_give_enough_updates(tiny_folders):
    assert resolved(tiny_folders, 1_000, batch_size=10)[0].train.epochs == 5
    assert resolved(tiny_folders, 1_000, batch_size=100)[0].train.epochs == 20


@pytest.mark.parametrize(("width", "rate"), [(64, 2e-4), (384, 2e-4), (768, 5e-5), (1024, 2e-5), (4096, 2e-5)])
def test_wide_models_have_smaller_learning_rates(width, rate):
    assert settings.learning_rate(Full(), width) == pytest.approx(rate)


def test_between_two_known_widths_the_rate_lies_between_theirs():
    assert 5e-5 < settings.learning_rate(Full(), 512) < 2e-4


def test_a_method_with_one_rate_has_it_at_every_width():
    @dataclasses.dataclass(frozen=True)
    class Own(LoRA):
        lr_by_width = None

    class Plain:
        default_lr = 0.123

    assert settings.learning_rate(Plain(), 384) == 0.123


def encoded(tiny_folders, n_words, *, max_length=8, fixed=False):
    pretrained = tiny.load(tiny_folders["bert"], max_length=max_length)
    rows = [
        dataclasses.replace(row, text=" ".join(["good"] * n)) for row, n in zip(tiny.examples(20), n_words, strict=True)
    ]
    features, reasons = settings.encoded(Sentiment(), rows, pretrained, fixed=fixed)
    return pretrained.config.max_length, int(features.lengths.max()), reasons


def test_the_length_grows_if_more_than_a_tenth_of_the_texts_would_be_cut(tiny_folders):
    length, longest, reasons = encoded(tiny_folders, [4] * 10 + [20] * 10)
    limit = tiny.load(tiny_folders["bert"]).limit
    assert length == min(64, limit)
    assert longest == 22
    assert "0 %" in reasons["model.max_length"]


def test_it_stays_if_few_texts_would_be_cut_or_the_user_gave_it(tiny_folders):
    assert encoded(tiny_folders, [4] * 18 + [20] * 2)[:2] == (8, 8)
    assert encoded(tiny_folders, [20] * 20, fixed=True) == (8, 8, {})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("place")
    recipe = Recipe(
        data=DataConfig(train=str(write_splits(place / "data"))),
        model=ModelConfig(name=str(make_bert(place / "bert"))),
        train=TrainConfig(epochs=1, precision="fp32"),
        eval=EvalConfig(n_bootstrap=100, baselines="none"),
    )
    return recipe.run(place / "run")


def test_the_recipe_file_has_the_values_and_the_reasons(run):
    stored = yaml.safe_load((run.folder / "recipe.yaml").read_text())
    assert stored["train"]["batch_size"] == 16
    assert set(stored["resolved"]) >= {"train.batch_size", "train.lr", "train.warmup", "model.pooling"}
    assert "train.epochs" not in stored["resolved"]


def varied(run, *flags):
    return parse_recipe(["--config", str(Path(run.folder) / "recipe.yaml"), *flags], None)[0]


def test_a_rerun_has_the_same_values(run):
    stored = varied(run)
    assert stored.train.lr == pytest.approx(2e-4)
    assert varied(run, "--train.seed", "4").train == dataclasses.replace(stored.train, seed=4)


def test_a_varied_run_resolves_anew_what_the_first_one_resolved(run):
    other = varied(run, "--method", "lora")
    assert (other.train.lr, other.train.batch_size, other.model.pooling) == (None, None, None)
    assert other.train.epochs == 1  # was given
    assert varied(run, "--method", "lora", "--train.lr", "0.5").train.lr == 0.5
