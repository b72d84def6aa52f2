"""A finished run, opened again: the same logits in this process and in a fresh one, from the run and from its model."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import nlptl
from nlptl import DataConfig, EvalConfig, Example, InputError, ModelConfig, Recipe, Run, Sentiment, TrainConfig
from nlptl.core.records import Column
from nlptl.core.registry import load, names
from nlptl.runs.predictor import Predictor
from tests.faults.small import make_bert, read_lines, reviews, write_csv, write_splits

ROWS = [Example(i, row["text"]) for i, row in enumerate(reviews(20, start=200))]
FRESH = """
import json, sys, nlptl
from nlptl import Example
rows = [Example(i, text) for i, text in enumerate(json.load(sys.stdin))]
print(json.dumps([nlptl.load(folder).answers(rows).tolist() for folder in sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run of each method, by name."""
    place = tmp_path_factory.mktemp("place")
    bert, data = make_bert(place / "bert"), write_splits(place / "data")
    runs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        for name in names("method"):
            runs[name] = Recipe(
                data=DataConfig(train=str(data)),
                model=ModelConfig(name=str(bert)),
                method=load("method", name)(),
                train=TrainConfig(epochs=2, batch_size=8, precision="fp32", lr=3e-3),
                eval=EvalConfig(n_bootstrap=100, baselines="none"),
            ).run(place / name)
    return runs


@pytest.fixture(params=names("method"))
def run(runs, request):
    return runs[request.param]


def test_a_run_and_its_model_folder_give_equal_logits(run):
    whole, model = nlptl.load(run.folder), nlptl.load(str(run.folder / "model"))
    assert whole.answers(ROWS).shape == (20, 2)
    assert whole.answers(ROWS).dtype == np.float32
    np.testing.assert_array_equal(whole.answers(ROWS), model.answers(ROWS))
    np.testing.assert_array_equal(whole.answers(ROWS), run.answers(ROWS))


def test_a_fresh_process_gives_equal_logits_for_every_method(runs):
    folders = [str(run.folder) for run in runs.values()]
    texts = json.dumps([row.text for row in ROWS])
    done = subprocess.run(
        [sys.executable, "-c", FRESH, *folders], input=texts, capture_output=True, text=True, check=True
    )
    for ours, theirs in zip(runs.values(), json.loads(done.stdout.splitlines()[-1]), strict=True):
        np.testing.assert_array_equal(ours.answers(ROWS), np.array(theirs, np.float32))


def test_predictions_of_an_opened_run_are_those_it_wrote(run):
    written = read_lines(run.folder / "predictions" / "test.jsonl")
    again = nlptl.load(run.folder).predict([row.text for row in ROWS])
    assert [(p.row_id, p.prediction) for p in again] == [(line["row_id"], line["prediction"]) for line in written]
    for prediction, line in zip(again, written, strict=True):
        assert prediction.scores == pytest.approx(line["scores"], abs=1e-6)


def test_predictions_do_not_depend_on_the_rows_beside_them(run):
    alone = [run.predict([row.text])[0].scores for row in ROWS[:5]]
    together = [p.scores for p in run.predict([row.text for row in reversed(ROWS)])][::-1][:5]
    for one, other in zip(alone, together, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_a_run_can_be_moved(runs, tmp_path):
    moved = shutil.copytree(runs["full"].folder, tmp_path / "moved")
    np.testing.assert_array_equal(nlptl.load(moved).answers(ROWS), runs["full"].answers(ROWS))


def test_evaluating_labelled_rows_gives_the_metrics_of_the_run(run):
    scores = nlptl.load(run.folder).evaluate(reviews(20, start=200), n_bootstrap=100)
    for name, value in run.metrics["test"].items():
        assert vars(scores.metrics[name]) == pytest.approx(value)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_a_long_file_is_evaluated_in_parts_as_its_rows_are(runs, tmp_path, monkeypatch, kind):
    rows, longest = reviews(20, start=200), []
    if kind == "jsonl":
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        write_csv(tmp_path / "rows.csv", rows)
    expected = runs["full"].evaluate(rows, n_bootstrap=100)
    monkeypatch.setattr("nlptl.data.streaming.N_ROWS", 6)
    predicted = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", lambda own, some: longest.append(len(some)) or predicted(own, some))
    scores = runs["full"].evaluate(tmp_path / f"rows.{kind}", n_bootstrap=100)
    assert longest == [6, 6, 6, 2]
    assert vars(scores.metrics["accuracy"]) == pytest.approx(vars(expected.metrics["accuracy"]))


def test_predict_takes_dicts_frames_and_files(runs, tmp_path):
    pandas = pytest.importorskip("pandas")
    texts = [row.text for row in ROWS]
    frame = pandas.DataFrame({"text": texts}, index=range(7, 27))
    frame.to_csv(tmp_path / "rows.csv", index=False)
    expected = runs["full"].predict(texts)
    for source in (frame, frame.to_dict("records"), str(tmp_path / "rows.csv"), tmp_path / "rows.csv", tuple(texts)):
        assert runs["full"].predict(source) == expected


def test_a_model_that_learnt_true_from_a_csv_file_scores_every_kind_of_file(runs, tmp_path):
    run = nlptl.load(runs["full"].folder)
    run.pretrained.labels = replace(run.pretrained.labels, names=("False", "True"))  # as versions before wrote them
    rows = [{"text": row["text"], "label": i % 2 == 0} for i, row in enumerate(reviews(8, start=300))]
    write_csv(tmp_path / "rows.csv", rows)
    assert "True" in (tmp_path / "rows.csv").read_text(encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = [run.evaluate(source, n_bootstrap=100) for source in (tmp_path / "rows.csv", tmp_path / "rows.jsonl", rows)]
    assert found[0] == found[1] == found[2]
    assert sum(map(sum, found[0].confusion)) == 8


def test_what_needs_a_pretrained_model_says_when_it_is_missing_or_another(runs, tmp_path):
    folder = shutil.copytree(runs["lora"].folder, tmp_path / "run")
    card = json.loads((folder / "model" / "nlptl.json").read_text())
    gone = str(tmp_path / "gone")
    for changed, said in (
        ({"base": card["base"] | {"reference": gone}, "model": card["model"] | {"name": gone}}, "no such folder"),
        ({"base": card["base"] | {"sha256": "0" * 64}}, "the pretrained model has changed"),
    ):
        (folder / "model" / "nlptl.json").write_text(json.dumps(card | changed))
        with pytest.raises(InputError, match=said):
            nlptl.load(folder, trust_changes=True)


def test_one_string_that_is_no_file_is_told_to_be_given_in_a_list(runs):
    with pytest.raises(InputError, match=r"\['great film'\]"):
        runs["full"].predict("great film")


def test_no_texts_have_no_predictions(runs):
    assert runs["full"].predict([]) == []


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no run's folder"):
        nlptl.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="expected a run's folder or the model/ folder inside one"):
        nlptl.load(tmp_path)


def test_a_model_folder_alone_has_no_metrics_and_says_so(runs):
    with pytest.raises(InputError, match="it is not a run's folder"):
        _ = nlptl.load(runs["full"].folder / "model").metrics


def test_a_card_of_another_format_is_refused(runs, tmp_path):
    folder = shutil.copytree(runs["full"].folder / "model", tmp_path / "model")
    card = json.loads((folder / "nlptl.json").read_text())
    (folder / "nlptl.json").write_text(json.dumps(card | {"format": 99}))
    with pytest.raises(InputError, match="has format 99, this nlptl reads 2"):
        nlptl.load(folder)


def test_a_run_says_in_a_line_what_it_measured(runs):
    run = runs["lora"]
    accuracy = run.metrics["test"]["accuracy"]["value"]
    for word in (str(run.folder), "sentiment by lora", f"test accuracy {accuracy:.4f} ["):
        assert word in repr(run)
    assert repr(nlptl.load(run.folder / "model")) == f"Run({str(run.folder / 'model')!r})"


def test_a_run_shows_itself_as_a_table_whose_texts_are_escaped(runs, tmp_path):
    folder = shutil.copytree(runs["full"].folder, tmp_path / "<b>run & co")
    result = json.loads((folder / "result.json").read_text())
    result["metrics"]["test"]["<script>"] = result["metrics"]["test"]["accuracy"]
    (folder / "result.json").write_text(json.dumps(result))
    html = Run(folder)._repr_html_()
    assert "<script>" not in html
    assert "<b>run" not in html
    assert "&lt;script&gt;" in html
    assert f"{result['metrics']['test']['accuracy']['value']:.4f}" in html


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "3", '{"status": "succeeded"}', '{"status": 3, "task": null, "method": []}', "\xff"]
)
def test_a_run_with_a_damaged_result_can_still_be_shown(tmp_path, content):
    (tmp_path / "result.json").write_text(content, encoding="latin-1")
    assert str(tmp_path) in repr(Run(tmp_path))
    assert tmp_path.name in Run(tmp_path)._repr_html_()


def test_a_stopped_run_says_that_it_was_stopped(tmp_path):
    (tmp_path / "result.json").write_text('{"status": "interrupted", "task": "sentiment", "method": "lora"}')
    assert "interrupted" in repr(Run(tmp_path))
    assert "interrupted" in Run(tmp_path)._repr_html_()


def test_history_and_test_predictions_are_the_rows_of_the_files(runs):
    run = runs["full"]
    assert run.history == read_lines(run.folder / "metrics.jsonl") != []
    assert run.test_predictions == read_lines(run.folder / "predictions" / "test.jsonl") != []
    assert Run(run.folder / "model").folder.name == "model"
    with pytest.raises(InputError, match=r"has no metrics\.jsonl"):
        _ = Run(run.folder / "model").history


def test_a_line_that_was_cut_off_is_left_out_and_a_damaged_one_is_named(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"update": 1}\n{"upd')
    assert Run(tmp_path).history == [{"update": 1}]
    (tmp_path / "metrics.jsonl").write_text('{"update": 1}\n{"upd\n')
    with pytest.raises(InputError, match="line 2 is damaged"):
        _ = Run(tmp_path).history


def test_rows_become_a_frame_with_a_column_for_each_inner_field(runs):
    pytest.importorskip("pandas")
    run = runs["full"]
    history, saved = run.history.to_frame(), run.test_predictions.to_frame()
    assert {"update", "validation.accuracy"} <= set(history.columns)
    assert list(saved.columns) == ["row_id", "prediction", "label", "scores.negative", "scores.positive"]
    assert len(saved) == 20
    fresh = run.predict([row.text for row in ROWS]).to_frame()
    assert list(fresh["prediction"]) == list(saved["prediction"])
    assert list(fresh.columns) == list(saved.columns.drop("label"))
    assert "<table" in run.test_predictions._repr_html_()
    assert run.predict([]).to_frame().empty


def test_evaluate_and_predict_take_what_training_takes(runs, tmp_path):
    pandas = pytest.importorskip("pandas")
    run, rows = runs["full"], reviews(20, start=200)
    frame = pandas.DataFrame(rows)
    write_splits(tmp_path / "data")
    texts, labels = list(frame["text"]), list(frame["label"])
    whole = [
        rows,
        frame,
        (texts, labels),
        (frame["text"], frame["label"].to_numpy()),
        {"test": rows},
        tmp_path / "data",
    ]
    expected = run.metrics["test"]["accuracy"]["value"]
    assert [run.evaluate(given, n_bootstrap=100).metrics["accuracy"].value for given in whole] == [expected] * 6
    for given in (*whole, frame["text"], frame["text"].to_numpy(), str(tmp_path / "data" / "test.csv")):
        assert run.predict(given) == run.predict(texts)


@dataclass(frozen=True)
class Headlines(Sentiment):
    """A user's own task, whose text has a name of its own."""

    columns: ClassVar[tuple[Column, ...]] = (
        Column("headline", ("headline",), fills="text"),
        Column("label", ("label",), kind="class"),
    )


def test_the_text_of_a_users_own_column_is_given_by_the_flag_that_there_is(runs, tmp_path):
    folder = shutil.copytree(runs["full"].folder / "model", tmp_path / "model")
    card = json.loads((folder / "nlptl.json").read_text())
    card["task"]["name"] = f"{__name__}.Headlines"
    (folder / "nlptl.json").write_text(json.dumps(card | {"columns": {"headline": "headline", "label": "label"}}))
    run = nlptl.load(folder, trust_changes=True)
    assert run.row({"text": "good film"}).text == "good film"
    with pytest.raises(InputError, match="it reads --text"):
        run.row({"question": "what"})


def test_predict_prepares_the_machine_once_however_many_parts_there_are(runs, monkeypatch):
    from nlptl.engine import device, memory

    called = []
    for module, name in ((device, "start"), (memory, "keep"), (memory, "give_back")):
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given, own=own, name=name: called.append(name) or own(*given))
    run = nlptl.load(runs["full"].folder)
    assert [len(run.predict(["a lovely film"] * n)) for n in (1, 2, 3)] == [1, 2, 3]
    assert sorted(called) == ["give_back", "keep", "start"]
