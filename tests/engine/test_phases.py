"""Phases: what trains in each, what goes on from one to the next, and what a resumed run finds again."""

from functools import cache, partial

import pytest
import torch

from nlptl.core.errors import InputError
from nlptl.core.phases import Group, Phase
from nlptl.engine import checkpoint, loop, phases, planning, used_rows
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from tests import tiny
from tests.engine.test_resume import KilledError, assert_same, kill_at, stop_at

GRADUAL = Full(unfreeze="gradual")


def only(module, *words):
    """Makes trainable what has one of these words in its name."""
    for name, p in module.named_parameters():
        p.requires_grad_(any(word in name for word in words))


def run(base, folder, made=None, scores=None, show=None, newest=None, **fields):
    """Returns progress, final weights and record of training in phases: gradual unfreezing unless others are made."""
    pretrained = tiny.prepared(base, GRADUAL, seed=4)
    config = tiny.train_config(**{"epochs": 3, "schedule": "linear", "checkpoint_every": 1} | fields)
    own = made(pretrained.module) if made else GRADUAL.phases(pretrained, config.epochs)
    reached = [checkpoint.update_of(newest) if newest else 0]

    def shown(facts):
        reached[0] = facts.update
        return show(facts, pretrained.module) if show else None

    evaluate = (lambda: {"accuracy": scores[reached[0]]}) if scores else dict
    job, record = tiny.job(pretrained, folder, config, evaluate=evaluate, show=shown, phases=own)
    progress = loop.train(job, tiny.fp32(), newest)
    return progress, tiny.state(pretrained.module), record, pretrained.module


def states(base, folder, **fields):
    """Returns the weights after each update, those before the first, and what `run` returns."""
    found = {0: tiny.state(tiny.prepared(base, GRADUAL, seed=4).module)}

    def show(facts, module):
        found[facts.update] = tiny.state(module)

    return found, run(base, folder, show=show, **fields)


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def test_layers_join_from_the_top_and_the_cut_sinks(tiny_folders, tmp_path):
    found, (progress, _, record, module) = states(tiny_folders["bert"], tmp_path)
    levels = module.levels()
    assert changed(found[0], found[3]) == {name for name, level in levels.items() if level >= 2}
    assert changed(found[3], found[4]) == levels.keys()
    facts = [(done.phase, done.name, done.updates, done.cut, done.trainable) for done in progress.phases]
    sizes = {name: tensor.numel() for name, tensor in found[0].items()}
    upper = sum(sizes[name] for name, level in levels.items() if level >= 2)
    assert facts == [(0, "from layer 2 up", 3, 1, upper), (1, "from layer 1 up", 6, 0, sum(sizes.values()))]
    assert sum(done.train_s for done in progress.phases) == pytest.approx(progress.train_s)
    lines = [line for line in record.lines if "phase" in line]
    assert [(line["update"], line["phase"], line["cut"]) for line in lines] == [(1, 0, 1), (4, 1, 0)]
    assert tiny.trainable(module) == levels.keys()


def test_the_learning_rate_s_schedule_stretches_over_all_phases(tiny_folders, tmp_path):
    _, _, record, _ = run(tiny_folders["bert"], tmp_path)
    rates = [line["lr"] for line in record.lines if "lr" in line]
    assert rates == pytest.approx([1e-2 * (9 - update) / 9 for update in range(9)])


def test_what_trained_before_goes_on_with_its_moments(tiny_folders, tmp_path):
    run(tiny_folders["bert"], tmp_path, keep_checkpoints=9)
    moments = checkpoint.load(tmp_path / "update-00000005")[0].moments
    assert moments["net.classifier.weight.step"] == 5
    assert moments["net.bert.encoder.layer.0.output.dense.weight.step"] == 2


def scored(best):
    return {update: 0.9 - abs(update - best) / 10 for update in (3, 6, 9)}


@pytest.fixture(scope="module")
def never_stopped(tiny_folders, tmp_path_factory):
    """Returns what `states` does for a run with its best state after an update; each is trained once."""

    @cache
    def get(min_rows, best):  # with the caller's smallest embedding of which rows are trained
        assert min_rows == used_rows.MIN_ROWS
        return states(tiny_folders["bert"], tmp_path_factory.mktemp("whole"), scores=scored(best))

    return get


@pytest.mark.parametrize("min_rows", [1, 10**9], ids=["used rows", "whole embedding"])
@pytest.mark.parametrize("stop", [1, 3, 4, 8, 9])
@pytest.mark.parametrize("best", [3, 6])
def test_stopped_in_or_between_phases_and_resumed_is_the_same(
    tiny_folders, tmp_path, monkeypatch, never_stopped, min_rows, stop, best
):
    monkeypatch.setattr(used_rows, "MIN_ROWS", min_rows)
    base, scores = tiny_folders["bert"], scored(best)
    found, (whole, expected, record, _) = never_stopped(min_rows, best)
    assert whole.best_update == best
    pressed = stop_at(stop)
    run(base, tmp_path / "run", scores=scores, show=lambda facts, _: pressed(facts))
    newest = checkpoint.latest(tmp_path / "run")
    progress, weights, rest, _ = run(base, tmp_path / "run", scores=scores, newest=newest)
    assert rest.losses == record.losses[stop:]
    assert [(done.updates, done.cut) for done in progress.phases] == [(3, 1), (6, 0)]
    assert_same(weights, expected)
    lower = "net.bert.encoder.layer.0.output.dense.weight"  # the second phase trains it, an earlier state still counts
    assert torch.equal(weights[lower], found[best][lower])


def test_a_border_alone_is_no_reason_for_a_checkpoint(tiny_folders, tmp_path):
    run(tiny_folders["bert"], tmp_path / "run", checkpoint_every=None)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("at", [3, 4, 5])
def test_killed_around_the_border_and_resumed_is_the_same(tiny_folders, tmp_path, at):
    base, kill = tiny_folders["bert"], kill_at(at)
    _, expected, whole, _ = run(base, tmp_path / "whole")
    with pytest.raises(KilledError):
        run(base, tmp_path / "run", show=lambda facts, _: kill(facts))
    newest = checkpoint.latest(tmp_path / "run")
    assert checkpoint.update_of(newest) == at - 1
    _, found, rest, _ = run(base, tmp_path / "run", newest=newest)
    assert rest.losses == whole.losses[at - 1 :]
    assert_same(found, expected)


def there_and_back(module):
    """The head, then the whole, then the head again: the cut rises, over other weights than before."""
    return [Phase(str(i), partial(only, module, word)) for i, word in enumerate(("classifier", "net.", "classifier"))]


def rest_and_return(module):
    return [
        Phase(str(i), partial(only, module, word)) for i, word in enumerate(("classifier", "layer.1.", "classifier"))
    ]


def test_what_rested_goes_on_with_its_moments(tiny_folders, tmp_path):
    run(tiny_folders["bert"], tmp_path, rest_and_return, keep_checkpoints=9)
    steps = {update: checkpoint.load(tmp_path / f"update-{update:08d}")[0].moments for update in (5, 8)}
    assert [steps[u]["net.classifier.weight.step"] for u in (5, 8)] == [3, 5]
    assert [steps[u]["net.bert.encoder.layer.1.output.dense.weight.step"] for u in (5, 8)] == [2, 3]


@pytest.mark.parametrize("made", [there_and_back, rest_and_return])
@pytest.mark.parametrize("stop", [2, 3, 5, 6, 8])
def test_phases_that_freeze_again_resume_too(tiny_folders, tmp_path, monkeypatch, made, stop):
    monkeypatch.setattr(used_rows, "MIN_ROWS", 1)
    base, scores, pressed = tiny_folders["bert"], {3: 0.5, 6: 0.9, 9: 0.7}, stop_at(stop)
    _, expected, whole, _ = run(base, tmp_path / "whole", made, scores)
    run(base, tmp_path / "run", made, scores, lambda facts, _: pressed(facts))
    newest = checkpoint.latest(tmp_path / "run")
    _, found, rest, _ = run(base, tmp_path / "run", made, scores, newest=newest)
    assert rest.losses == whole.losses[stop:]
    assert_same(found, expected)


def test_frozen_outputs_are_computed_anew_from_what_an_earlier_phase_trained(tiny_folders, tmp_path):
    kept = run(tiny_folders["bert"], tmp_path / "a", there_and_back, cache_dir=str(tmp_path / "cache"))
    fresh = run(tiny_folders["bert"], tmp_path / "b", there_and_back, cache_gib=0.0)
    assert [done.cut for done in kept[0].phases] == [2, 0, 2]
    assert kept[2].losses == pytest.approx(fresh[2].losses, abs=1e-6)


@pytest.mark.parametrize("family", ["t5", "deberta_v2", "gpt2", "modernbert"])
def test_a_family_that_cannot_be_cut_unfreezes_too(tiny_folders, tmp_path, family):
    found, (progress, *_, module) = states(tiny_folders[family], tmp_path, epochs=6)
    levels, depth = module.levels(), len(module.blocks())
    ends = [done.updates for done in progress.phases]
    assert ends == [3] * (depth - 1) + [18 - 3 * (depth - 1)]
    for i in range(depth - 1):
        assert changed(found[0], found[3 * (i + 1)]) <= {name for name, level in levels.items() if level >= depth - i}
    assert changed(found[0], found[18]) == levels.keys()


def test_a_phase_without_an_update_is_left_out(tiny_folders, tmp_path):
    progress, *_ = run(tiny_folders["t5"], tmp_path, epochs=1, batch_size=12)  # 4 layers, 2 updates
    assert [(done.phase, done.updates) for done in progress.phases] == [(1, 1), (3, 1)]


def test_early_stopping_may_end_before_the_last_phase(tiny_folders, tmp_path):
    scores = {3: 0.9, 6: 0.8, 9: 0.7}
    found, (progress, weights, _, module) = states(tiny_folders["bert"], tmp_path, scores=scores, early_stopping=1)
    assert (progress.update, progress.best_update, len(progress.phases)) == (6, 3, 2)
    assert_same(weights, found[3])
    scores = {1: 0.9, 2: 0.8}
    _, (progress, _, _, module) = states(
        tiny_folders["bert"], tmp_path, scores=scores, evaluate_every=1, early_stopping=1
    )
    assert (progress.update, len(progress.phases)) == (2, 1)
    assert tiny.trainable(module) == {name for name, level in module.levels().items() if level >= 2}


def test_memory_is_measured_for_each_phase_and_once(tiny_folders, tmp_path, monkeypatch):
    base, asked = tiny_folders["bert"], []
    monkeypatch.setattr(planning, "tokens_that_fit", lambda *_: asked.append(1) or (200 if len(asked) == 1 else 40))
    progress, expected, record, _ = run(base, tmp_path / "whole")
    assert (len(asked), progress.micro_batch_tokens) == (2, 40)
    planned = [(line["update"], line["micro_batch_tokens"]) for line in record.lines if "planned" in line]
    assert planned == [(0, 200), (3, 40)]
    for stop, n_more in ((2, 1), (3, 1), (4, 0)):
        pressed, folder = stop_at(stop), tmp_path / str(stop)
        asked.clear()
        run(base, folder, show=lambda facts, _, pressed=pressed: pressed(facts))
        before = len(asked)
        _, found, _, _ = run(base, folder, newest=checkpoint.latest(folder))
        assert len(asked) - before == n_more
        assert_same(found, expected)


# How long, and how fast.


@pytest.mark.parametrize(
    ("method", "epochs", "shares"),
    [
        (GRADUAL, 1, [0.5, 0.5]),
        (GRADUAL, 2, [1, 1]),
        (GRADUAL, 5, [1, 4]),
        (Partial(layers="last:1", unfreeze="gradual"), 5, [5]),
        (Full(), 5, [5]),
    ],
)
def test_a_phase_is_an_epoch_and_the_last_has_the_rest(tiny_folders, method, epochs, shares):
    pretrained = tiny.prepared(tiny_folders["bert"], method)
    places = phases.planned(method.phases(pretrained, epochs), pretrained.module, 100 * epochs)
    assert [place.end - place.start for place in places] == [100 * share for share in shares]
    assert places[-1].names == tiny.trainable(tiny.prepared(tiny_folders["bert"], method).module)


def test_a_phase_that_trains_nothing_or_names_what_there_is_not_is_refused(tiny_folders):
    module = tiny.prepared(tiny_folders["bert"], Full()).module
    with pytest.raises(InputError, match="'none', trains no parameter"):
        phases.planned([Phase("none", partial(only, module))], module, 9)
    only(module, "classifier")
    wrong = Phase(groups=(Group(frozenset({"net.classifier.weigth"})),))
    with pytest.raises(InputError, match=r"no parameter 'net\.classifier\.weigth'.*net\.classifier\.weight"):
        phases.planned([wrong], module, 9)


METHODS = {"full": Full(), "lora": LoRA(rank=2, dropout=0.0), "adapter": Adapter(bottleneck=4), "gradual": GRADUAL}


@pytest.mark.parametrize("family", ["bert", "t5", "distilbert", "modernbert"])
@pytest.mark.parametrize("method", METHODS)
def test_each_layer_takes_a_share_of_the_step_of_the_one_above(tiny_folders, tmp_path, family, method):
    pretrained = tiny.prepared(tiny_folders[family], METHODS[method])
    before, module = tiny.state(pretrained.module), pretrained.module
    config = tiny.train_config(batch_size=24, layer_decay=0.5, weight_decay=0.0)
    job, _ = tiny.job(pretrained, tmp_path, config, lr=1e-3, phases=tiny.phases(METHODS[method], pretrained, 1)[-1:])
    loop.train(job, tiny.fp32())
    after, depth, steps = tiny.state(module), len(module.blocks()), {}
    for name, level in module.levels().items():
        steps.setdefault(level, []).append(float((after[name] - before[name]).abs().max()))
    for level, found in steps.items():  # AdamW's first step is the learning rate, wherever there is a gradient
        assert max(found) == pytest.approx(1e-3 * 0.5 ** max(0, depth - level) if any(found) else 0, rel=0.02)
    assert {level for level, found in steps.items() if any(found)} >= {1, depth, depth + 1}


def test_groups_of_a_phase_have_their_own_rate_and_decay(tiny_folders, tmp_path):
    pretrained = tiny.prepared(tiny_folders["bert"], Full())
    group = Group(frozenset({"net.classifier.weight"}), lr_factor=0.25, weight_decay=0.5)
    rates = phases.rates(Phase(groups=(group,)), pretrained.module, 0.5)
    assert rates["net.classifier.weight"] == (0.25, 0.5)
    assert rates["net.bert.embeddings.word_embeddings.weight"] == (0.25, None)
    assert phases.rates(Phase(groups=(group,)), pretrained.module, 1.0) == {"net.classifier.weight": (0.25, 0.5)}
