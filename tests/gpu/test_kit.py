"""What `make gpu` runs: its programs at tiny shapes, what it notes of tests, and what it says went wrong."""

import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import nlptl

BENCHMARKS = Path(nlptl.__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def on_path():
    """Benchmarks find each other by name, as in their own processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, on_path):
    """The suite's inputs at smoke scale, whose models are made in this process."""
    suite, shapes = (importlib.import_module(name) for name in ("suites.gpu", "pretrained.base_shapes"))
    inputs = suite.inputs(None, tmp_path_factory.mktemp("gpu"), "smoke")
    for family in suite.FAMILIES:
        shapes.main(family, str(inputs.folder / family), "smoke")
    inputs.model = lambda name: inputs.folder / ("bert" if name == "trained" else name)
    return inputs


def words_of(case, made, output):
    """Returns the flags with which the suite starts a case's program."""
    given = importlib.import_module("systems").arguments(case, made, 0, output)
    assert given[: len(case.program)] == list(case.program)
    return given[len(case.program) :]


def test_both_systems_report_the_updates_that_came_after_the_warm_up(made, tmp_path, monkeypatch):
    suite, trainer = importlib.import_module("suites.gpu"), importlib.import_module("peers.trainer")
    updates, common = importlib.import_module("speed.updates"), importlib.import_module("peers.common")
    monkeypatch.setattr(importlib.import_module("speed.gemm"), "SIZE", 64)  # the rate itself is nothing here
    own, peer = (c for c in suite.cases("smoke") if c.name == "roberta_long")
    updates.main(words_of(own, made, tmp_path / "own.json"))
    given = words_of(peer, made, tmp_path / "peer.json")
    trainer.run(common.settings_of(trainer.TrainerSettings, [*given, "--n_workers", "0"]))
    reports = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("own", "peer")]
    for case, report in zip((own, peer), reports, strict=True):
        assert report["rows"]["train"] == suite.BATCH * (suite.N_WARM_SMOKE + suite.N_TIMED_SMOKE)
        assert report["examples_per_s"] * report["train_s"] == pytest.approx(suite.BATCH * suite.N_TIMED_SMOKE)
        assert set(case.measures) <= set(report["metrics"])
        assert 0.6 < report["metrics"]["train_loss"] < 0.8  # two classes, and nothing learnt yet
    assert reports[0]["parameters"]["total"] == reports[1]["parameters"]["total"]
    assert reports[0]["tokens_per_example"] == suite.LONG_SMOKE


def test_every_case_can_be_started_and_every_target_compared(made, tmp_path):
    suite = importlib.import_module("suites.gpu")
    full = suite.cases("full")
    keys = {(case.name, case.system) for case in full}
    for case in full:
        assert importlib.util.find_spec(case.program[1])
        assert words_of(case, made, tmp_path / "report")[::2]
    assert {(target.case, "nlptl") for target in suite.TARGETS} <= keys
    assert {target.other for target in suite.TARGETS} <= keys


def test_made_up_texts_are_as_long_as_they_should_be(made):
    words, transformers = importlib.import_module("gpu.words"), importlib.import_module("transformers")
    drawn = words.lengths(20_000, words.SST2, seed=0)
    assert (min(drawn), max(drawn)) == (3, 66)
    assert sum(drawn) / len(drawn) == pytest.approx(13.3, rel=0.1)  # SST-2's mean
    rows = words.table(drawn[:50], seed=0, n_words=800).splitlines()[1:]
    for family in ("bert", "roberta"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(made.folder / family)
        encoded = tokenizer([row.split("\t")[0] for row in rows])["input_ids"]
        assert [len(ids) for ids in encoded] == drawn[:50]
        assert not any(tokenizer.unk_token_id in ids for ids in encoded)


def report(when, status="passed", text=""):
    """Returns what pytest says of a part of a test."""
    flags = {name: name == status for name in ("failed", "skipped")}
    return SimpleNamespace(nodeid="tests/gpu/a.py::test", when=when, longrepr=text, duration=0.5, **flags)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([report("setup"), report("call"), report("teardown")], "passed"),
        ([report("setup"), report("call", "failed", "ValueError: no"), report("teardown")], "failed"),
        ([report("setup"), report("call"), report("teardown", "failed", "left behind")], "failed"),
        ([report("setup", "failed", "no fixture"), report("teardown")], "failed"),
        ([report("setup", "skipped"), report("teardown")], "skipped"),
        ([report("setup")], "crashed"),
    ],
)
def test_an_outcome_is_written_at_once_and_a_test_that_never_ended_is_told_from_others(parts, status, tmp_path):
    outcomes, results = importlib.import_module("gpu.outcomes"), importlib.import_module("results")
    path, name = tmp_path / "gpu.json", "tests/gpu/a.py::test"
    plugin = outcomes.Outcomes(path, "smoke", "first")
    plugin.pytest_runtest_logstart(name)
    assert results.read(path)["tests"]["outcomes"][name]["status"] == "running"
    for part in parts:
        plugin.pytest_runtest_logreport(part)
    if len(parts) > 1:
        plugin.pytest_runtest_logfinish()
    again = outcomes.Outcomes(path, "smoke", "first")
    assert again.outcomes[name]["status"] == status
    left = [SimpleNamespace(nodeid=name), SimpleNamespace(nodeid="tests/gpu/a.py::other")]
    config = SimpleNamespace(hook=SimpleNamespace(pytest_deselected=lambda items: None))
    again.pytest_collection_modifyitems(config, left)
    assert [item.nodeid for item in left] == ["tests/gpu/a.py::other"]


def test_what_failed_and_what_was_not_reached_is_said():
    kit = importlib.import_module("gpu_kit")
    here = {"seed": 0, "status": "ok", "cpu": "x", "gpu": "H100", "metrics": {}}
    failed = {"status": "failed", "error": "x\nE  ValueError: no\ny"}
    content = {
        "scale": "full",
        "tests": {"outcomes": {"a": {"status": "passed"}, "b": failed}},
        "records": [
            {"case": "bert_long", "system": "nlptl", "examples_per_s": 120.0, **here},
            {"case": "bert_long", "system": "trainer", "examples_per_s": 100.0, **here},
            {"case": "predict", "system": "pipeline", **here, "status": "failed", "error": "KeyError: 'x'"},
        ],
    }
    said = kit.summary(content)
    assert [line.split(":")[0] for line in said] == ["failed", "failed", "not reached"]
    assert "ValueError: no" in said[0]
    assert "predict/pipeline" in said[1]
    assert said[2].endswith("1.2")
    assert kit.summary(content | {"scale": "smoke"}) == said[:2]


@pytest.mark.parametrize(
    ("only", "tests", "cases"),
    [
        ([], [], []),
        (["tests"], [], None),
        (["speed"], None, []),
        (["test_graphs", "bert_long/trainer"], ["test_graphs"], ["bert_long/trainer"]),
        (["predict"], None, ["predict"]),
    ],
)
def test_parts_can_be_chosen(only, tests, cases):
    assert importlib.import_module("gpu_kit").chosen(only, "full") == (tests, cases)


def test_a_part_that_does_not_exist_is_named_beside_those_that_do():
    with pytest.raises(SystemExit, match=r"'spead'.*tests, speed, .*test_graphs.*bert_long"):
        importlib.import_module("gpu_kit").chosen(["spead"], "full")


def test_results_go_into_a_folder_or_a_file(tmp_path):
    kit = importlib.import_module("gpu_kit")
    assert kit.file_of(tmp_path, "full") == tmp_path / "gpu.json"
    assert kit.file_of(tmp_path, "smoke") == tmp_path / "gpu-smoke.json"
    assert kit.file_of(tmp_path / "h100.json", "full") == tmp_path / "h100.json"
