"""Every task from data to predictions: the run's folder, a fresh process, new data, and two processes."""

import json
from typing import Any

import pytest

import nlptl
from nlptl import (
    Classification,
    DataConfig,
    EvalConfig,
    ExtractiveQA,
    ModelConfig,
    Recipe,
    Regression,
    Run,
    Sentiment,
    Text2Text,
    TokenClassification,
    TrainConfig,
)
from tests.faults.small import GOOD, THINGS, read_lines

FAMILY = {"text": "t5"}
CONTEXT = "the {0} was {1} and the end was long but the music was fine and the light was warm"
TASKS: dict[str, Any] = {
    "stars": Sentiment(scale="stars"),
    "windows": Classification(long="window", overlap=2),
    "several": Classification(labels="several"),
    "pairs": Classification(),
    "number": Regression(),
    "span": ExtractiveQA(overlap=4),
    "tags": TokenClassification(overlap=2),
    "text": Text2Text(),
}


def row(kind: str, i: int) -> dict[str, Any]:
    thing, word = THINGS[i % 7], GOOD[i % 5]
    text = f"{word} {thing} number {i}"
    context = CONTEXT.format(f"{thing} {i}", word)
    return {
        "stars": {"text": text, "label": i % 5 + 1},
        "windows": {"text": " ".join([text] * (1 + i % 6)), "label": "abc"[i % 3]},
        "several": {"text": text, "label": ["a", "b"][: i % 3]},
        "pairs": {"text": text, "text_pair": thing, "label": "xy"[i % 2]},
        "number": {"text": text, "score": i % 7 / 2},
        "span": {"question": f"how was the {thing}", "context": context, "answers": [word] if i % 4 else []},
        "tags": {"tokens": text.split(), "tags": ["B-W", "I-W", "O", "B-N"]},
        "text": {"text": text, "target": thing},
    }[kind]


def rows(kind: str, n: int, start: int = 0) -> list[dict[str, Any]]:
    return [row(kind, i) for i in range(start, start + n)]


def recipe(kind: str, folder: Any) -> Recipe:
    data = DataConfig(train=rows(kind, 48), validation=rows(kind, 16, 100), test=rows(kind, 20, 200))
    return Recipe(
        task=TASKS[kind],
        data=data,
        model=ModelConfig(name=str(folder), max_length=24, max_written=6),
        train=TrainConfig(epochs=2, batch_size=8, lr=1e-3, precision="fp32"),
        eval=EvalConfig(n_bootstrap=100),
    )


@pytest.fixture(scope="module")
def runs(tiny_folders, tmp_path_factory, other_process) -> dict[str, Run]:
    """One run of each task, reload check in a fresh process included."""
    folder = tmp_path_factory.mktemp("runs")
    with other_process.answering():
        return {kind: recipe(kind, tiny_folders[FAMILY.get(kind, "bert")]).run(folder / kind) for kind in TASKS}


kinds = pytest.mark.parametrize("kind", TASKS)


@kinds
def test_a_run_measures_its_metric_and_beats_or_misses_its_baselines(kind, runs):
    result = runs[kind].result
    assert result.status == "succeeded"
    assert result.reload_check.max_abs_diff <= 1e-5
    assert result.primary.name == TASKS[kind].metric
    measured = result.metrics["test"][TASKS[kind].metric]
    assert measured.low <= measured.value <= measured.high
    assert result.baselines["test"]
    for baseline in result.baselines["test"].values():
        assert baseline.metric == TASKS[kind].metric
        assert baseline.gain.value == pytest.approx(measured.value - baseline.value.value, abs=1e-9)


@kinds
def test_there_is_one_prediction_a_row_in_order(kind, runs):
    for split, n in (("validation", 16), ("test", 20)):
        lines = read_lines(runs[kind].folder / "predictions" / f"{split}.jsonl")
        assert [line["row_id"] for line in lines] == list(range(n))


LABEL = {
    "stars": "1",
    "windows": "c",
    "several": ["a", "b"],
    "pairs": "x",
    "number": 2.0,
    "span": [],
    "tags": ["B-W", "I-W", "O", "B-N"],
    "text": THINGS[4],
}
"""Of the first test row, row 200 of its kind, as JSON."""


@kinds
def test_predictions_carry_the_label_of_their_row(kind, runs):
    lines = read_lines(runs[kind].folder / "predictions" / "test.jsonl")
    assert lines[0]["label"] == LABEL[kind]
    if kind == "span":
        start = row(kind, 201)["context"].index(GOOD[1])
        assert lines[1]["label"] == [{"text": GOOD[1], "start": start}]


@kinds
def test_a_run_opened_again_predicts_what_it_predicted(kind, runs):
    again = nlptl.load(runs[kind].folder)
    expected = read_lines(runs[kind].folder / "predictions" / "test.jsonl")
    found = [json.loads(p.to_json()) for p in again.predict(rows(kind, 20, 200))]
    answers, before = ([line["prediction"] for line in lines] for lines in (found, expected))
    assert answers == (pytest.approx(before) if kind == "number" else before)
    for one, other in zip(found, expected, strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-5)
        assert [(s["start"], s["end"]) for s in one.get("spans", [])] == [
            (s["start"], s["end"]) for s in other.get("spans", [])
        ]


@kinds
def test_evaluating_the_test_rows_again_gives_the_numbers_of_the_run(kind, runs):
    found = nlptl.load(runs[kind].folder).evaluate(rows(kind, 20, 200), n_bootstrap=100)
    expected = runs[kind].metrics["test"]
    assert {name: i.value for name, i in found.metrics.items()} == pytest.approx(
        {name: values["value"] for name, values in expected.items()}, abs=1e-6
    )


def test_thresholds_are_tuned_on_validation_and_saved(runs):
    for kind, names in (("several", {"a", "b"}), ("span", None)):
        decision = runs[kind].result.decision
        card = json.loads((runs[kind].folder / "model" / "nlptl.json").read_text())
        assert card["decision"] == decision
        if names:
            assert set(decision["thresholds"]) == names
            assert set(decision["thresholds"].values()) != {0.5}
        else:
            assert isinstance(decision["no_answer"], float)


def lines_and_rows(kind: str, run: Run) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return list(zip(read_lines(run.folder / "predictions" / "test.jsonl"), rows(kind, 20, 200), strict=True))


def test_entities_and_answers_are_pieces_of_the_users_text(runs):
    for line, given in lines_and_rows("span", runs["span"]):
        assert line["spans"]
        assert all(given["context"][s["start"] : s["end"]] == s["text"] for s in line["spans"])
    for line, given in lines_and_rows("tags", runs["tags"]):
        text = " ".join(given["tokens"])
        assert all(text[s["start"] : s["end"]] == s["text"] for s in line["spans"])
        assert len(line["prediction"]) == len(given["tokens"])
