"""Several seeds in one run: the best on validation is kept, and a stopped run goes on with the seed that trained."""

import pytest

from nlptl import Callback, DataConfig, EvalConfig, InputError, ModelConfig, Recipe, TrainConfig
from nlptl.runs.report.curves import notes, of_chosen_seed
from nlptl.runs.training import resume
from tests.faults.small import make_bert, write_splits

N_SEEDS, N_UPDATES = 3, 12


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("seeds")
    make_bert(place / "bert")
    write_splits(place / "data")
    return place


@pytest.fixture(autouse=True, scope="module")
def unchecked(place):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        yield


def recipe(place, method="full", **train):
    settings = {"epochs": 2, "batch_size": 8, "precision": "fp32", "lr": 3e-3, "log_every": 1, "cache_gib": 0.0} | train
    return Recipe(
        data=DataConfig(train=str(place / "data")),
        model=ModelConfig(name=str(place / "bert")),
        method=method,
        train=TrainConfig(**settings),
        eval=EvalConfig(n_bootstrap=100, baselines="none", metric="log_loss"),
    )


@pytest.fixture(scope="module")
def run(place):
    return recipe(place, seeds=N_SEEDS).run(place / "run")


def test_the_seed_that_is_best_on_validation_is_kept(run, place):
    seeds = run.result.training.seeds
    assert [own.seed for own in seeds] == [0, 1, 2]
    best = min(seeds, key=lambda own: own.value)
    assert [own.seed for own in seeds if own.chosen] == [best.seed]
    alone = recipe(place, seed=best.seed).run(place / "alone")
    assert alone.metrics["validation"]["log_loss"]["value"] == pytest.approx(best.value, rel=1e-6)
    assert run.test_predictions == alone.test_predictions
    assert run.result.seed == 0
    assert run.result.timing.train_s > alone.result.timing.train_s


def test_the_model_folder_is_that_of_one_seed_and_nothing_else_is_left(run):
    assert not list((run.folder / "checkpoints").iterdir())
    assert run.predict(["good film"])[0].prediction in run.labels


def test_the_log_counts_the_updates_of_all_seeds_and_names_each(run):
    losses = [line["update"] for line in run.history if "loss" in line]
    assert losses == list(range(1, N_SEEDS * N_UPDATES + 1))
    named = {line["seed"]: line["update"] for line in run.history if "seed" in line}
    assert named == {0: 1, 1: N_UPDATES + 1, 2: 2 * N_UPDATES + 1}


class Stopping(Callback):
    """Stands for a kill after an update; keeps what it was told."""

    def __init__(self, at=None):
        self.at, self.told = at, []

    def on_begin(self, facts):
        self.told.append(("begin", facts.update))

    def on_update(self, facts):
        if facts.update == self.at:
            raise OSError("stopped")

    def on_end(self, facts):
        self.told.append(("end", facts.update))


@pytest.mark.parametrize(("method", "at"), [("full", 5), ("full", 18), ("full", 25), ("lora", 30)])
def test_a_stopped_run_ends_as_one_that_was_not(place, tmp_path, method, at):
    wanted = recipe(place, method, seeds=N_SEEDS, checkpoint_every=4)
    untouched = wanted.run(tmp_path / "untouched")
    with pytest.raises(OSError, match="stopped"):
        wanted.run(tmp_path / "stopped", callbacks=[Stopping(at)])
    resumed = resume(tmp_path / "stopped")
    assert resumed.test_predictions == untouched.test_predictions
    assert resumed.history == untouched.history
    assert resumed.result.training.seeds == untouched.result.training.seeds
    name = "model.safetensors" if method == "full" else "adapter_model.safetensors"
    weights = [(ended.model_folder / name).read_bytes() for ended in (resumed, untouched)]
    assert weights[0] == weights[1]


def test_a_seed_whose_weights_are_damaged_trains_again(run, place, tmp_path):
    with pytest.raises(OSError, match="stopped"):
        recipe(place, seeds=N_SEEDS).run(tmp_path / "run", callbacks=[Stopping(N_UPDATES + 3)])
    weights = tmp_path / "run" / "checkpoints" / "seed-0" / "chosen" / "trained.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    resumed = resume(tmp_path / "run")
    assert resumed.test_predictions == run.test_predictions
    assert resumed.history == run.history


def test_callbacks_are_told_of_all_seeds_as_of_one_training(place, tmp_path):
    seen = Stopping()
    recipe(place, seeds=2).run(tmp_path / "run", callbacks=[seen])
    assert seen.told == [("begin", 0), ("begin", N_UPDATES), ("end", 2 * N_UPDATES)]


def test_gradual_unfreezing_keeps_what_all_phases_trained(place, tmp_path):
    method = {"name": "full", "unfreeze": "gradual"}
    several = recipe(place, method, seeds=2).run(tmp_path / "several")
    best = next(own.seed for own in several.result.training.seeds if own.chosen)
    alone = recipe(place, method, seed=best).run(tmp_path / "alone")
    assert several.test_predictions == alone.test_predictions
    assert several.result.parameters == alone.result.parameters


def test_a_head_that_is_solved_for_has_no_seeds(place, tmp_path):
    with pytest.raises(InputError, match=r"train\.seeds.* no effect"):
        recipe(place, "probe", seeds=2).run(tmp_path / "run")


def test_method_auto_drops_the_seeds_if_it_chooses_a_solved_head(place, tmp_path):
    run = recipe(place, {"name": "auto", "tried": ["probe"]}, seeds=2).run(tmp_path / "run")
    assert run.result.method == "probe"
    assert "solved for" in (run.folder / "recipe.yaml").read_text()


def test_the_report_shows_the_seed_that_was_kept(run):
    chosen = next(own.seed for own in run.result.training.seeds if own.chosen)
    shown = of_chosen_seed(run.history, run.result)
    losses = [line["update"] for line in shown if "loss" in line]
    assert losses == list(range(1, N_UPDATES + 1))
    first = [line for line in run.history if line["update"] == chosen * N_UPDATES + 1 and "loss" in line]
    assert shown[1]["loss"] == first[0]["loss"]
    assert "Of 3 seeds the best on validation was kept" in notes(run.result, 0)[1]
