"""A finished run, opened again: the same logits in this process and in a fresh one, from the run and from its model."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import nlptl
from nlptl import DataConfig, EvalConfig, Example, InputError, ModelConfig, Recipe, TrainConfig
from nlptl.core.registry import load, names
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
    predicted = nlptl.runs.run.Run._predicted
    monkeypatch.setattr(
        "nlptl.runs.run.Run._predicted", lambda run, some: longest.append(len(some)) or predicted(run, some)
    )
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
