"""A study runs what is missing, keeps what failed, and goes on where it was stopped."""

import json
import shutil
from pathlib import Path

import pytest

import nlptl
from nlptl import Plan, Recipe
from nlptl.core.errors import InputError
from nlptl.data import corpus
from nlptl.evaluation.baselines.tfidf_logreg import TfidfLogreg
from nlptl.runs import reload_check
from nlptl.tasks.sentiment import Sentiment
from tests.faults.conftest import bert, stop, unchecked
from tests.faults.small import reviews, say, write_csv

__all__ = ["bert", "unchecked"]

QUICK = {"epochs": 1, "batch_size": 2, "precision": "fp32"}
EVAL = {"n_bootstrap": 100, "baselines": "none"}


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "rows.csv", reviews(80))
    return tmp_path


@pytest.fixture
def plan(work, bert):
    """Two methods, two seeds, two numbers of labels: eight runs."""
    return make_plan(bert)


def make_plan(bert, **fields):
    recipe = Recipe("sentiment", "rows.csv", str(bert), train=QUICK, eval=EVAL)
    return Plan(recipe, **{"methods": ["tfidf", "full"], "seeds": [0, 1], "label_counts": [4, 8]} | fields)


def words(bert, *more):
    given = ("sentiment", "rows.csv", "--model.name", bert, "--train.epochs", 1, "--train.batch_size", 2)
    given += ("--eval.n_bootstrap", 100, "--eval.baselines", "none", "--train.precision", "fp32")
    return ("compare", *given, *more)


@pytest.mark.usefixtures("unchecked")
def test_every_cell_is_a_run_of_its_own_on_the_same_rows(plan):
    study = nlptl.study(plan, "study")
    assert study.is_finished
    cells = study.record.cells
    assert [cell.status for cell in cells] == ["succeeded"] * 8
    for cell in cells:
        result = nlptl.Run(Path("study") / cell.name).result
        assert cell.score == result.metrics["test"]["accuracy"]
        assert result.rows == {"train": 2 * cell.label_count, "validation": 12, "test": 12}
    first = nlptl.compare([Path("study") / cell.name for cell in cells])
    assert first.record.n_rows == 12
    assert [(g.method, g.label_count, g.n_seeds) for g in study.record.groups] == [
        ("tfidf", 4, 2), ("full", 4, 2), ("tfidf", 8, 2), ("full", 8, 2)
    ]  # fmt: skip
    stored = json.loads(Path("study/study.json").read_text())
    assert (stored["format"], stored["metric"], stored["split"]) == (1, "accuracy", "test")
    assert len(stored["cells"]) == 8


@pytest.mark.usefixtures("unchecked")
def test_cells_are_rows_of_a_frame(bert, work):
    pytest.importorskip("pandas")
    study = nlptl.study(make_plan(bert, methods=["tfidf"], seeds=[0], label_counts=[4, 8]), "study")
    frame = study.to_frame()
    assert list(frame["label_count"]) == [4, 8]
    assert {"score.value", "trained", "train_s", "method"} <= set(frame.columns)
    assert repr(study) == "Study('study', 2 of 2 runs)"


@pytest.mark.usefixtures("unchecked")
def test_a_run_of_a_study_is_the_run_that_the_command_line_makes(bert, work, capsys):
    given = {name: value for name, value in EVAL.items() if name != "baselines"}
    recipe = Recipe("sentiment", "rows.csv", str(bert), train=QUICK, eval=given)
    nlptl.study(Plan(recipe, ["tfidf", "full"], seeds=[0, 1], label_counts=[4]), "study")
    flags = ("--data.per_class", 4, "--train.seed", 1, "--data.split_seed", 0, "--output", "alone")
    flags += ("--eval.baselines", "simple")
    assert say(capsys, "train", *words(bert)[1:], "--method", "full", *flags).status == 0
    runs = [nlptl.Run(Path(folder)) for folder in ("study/full-4-seed1", "alone")]
    assert runs[0].metrics == runs[1].metrics
    assert runs[0].result.baselines == runs[1].result.baselines
    for name in ("predictions/test.jsonl", "inputs.json", "audit.json"):
        texts = [(run.folder / name).read_text() for run in runs]
        assert texts[0] == texts[1]


@pytest.mark.usefixtures("unchecked")
def test_the_runs_of_a_study_share_what_does_not_depend_on_the_method(bert, work, monkeypatch):
    calls = []

    def counted(of, name):
        own = getattr(of, name)
        monkeypatch.setattr(of, name, lambda *given: calls.append(name) or own(*given))

    counted(corpus, "_read_splits")
    counted(TfidfLogreg, "predict")
    counted(Sentiment, "encode")
    recipe = Recipe("sentiment", "rows.csv", str(bert), train=QUICK, eval={"n_bootstrap": 100})
    nlptl.study(Plan(recipe, ["full", "partial", "lora"], seeds=[0, 1], label_counts=[4]), "study")
    assert calls.count("_read_splits") == 1
    assert calls.count("predict") == 4  # two draws of training rows, two splits
    n_runs, splits = 6, 2 + 2  # validation and test, and each draw of training rows
    assert calls.count("encode") == splits + n_runs  # each run's check of its model encodes a few rows anew
    assert not list(Path("study").glob("*/report.html"))


@pytest.mark.usefixtures("unchecked")
def test_a_stopped_study_goes_on_with_what_is_missing(plan, monkeypatch, capsys, bert):
    whole = nlptl.study(make_plan(bert), "whole")
    with pytest.MonkeyPatch.context() as patch:
        stop(patch, 2)  # in the first run that trains updates: the third, after two of tfidf
        stopped = nlptl.study(plan, "study")
    states = [cell.status for cell in stopped.record.cells]
    assert states == ["succeeded"] * 2 + ["interrupted"] + ["missing"] * 5
    assert not stopped.is_finished
    done = {p: p.stat().st_mtime_ns for p in Path("study").glob("*/result.json") if "tfidf" in str(p)}
    finished = nlptl.study(plan, "study")
    assert finished.is_finished
    assert {p: p.stat().st_mtime_ns for p in done} == done
    assert [cell.score for cell in finished.record.cells] == [cell.score for cell in whole.record.cells]
    monkeypatch.setattr("nlptl.runs.training.train", lambda *_: pytest.fail("trained again"))
    assert nlptl.study(plan, "study").record == finished.record


@pytest.mark.usefixtures("unchecked")
def test_an_interrupted_study_says_how_to_go_on(bert, work, capsys):
    with pytest.MonkeyPatch.context() as patch:
        stop(patch, 2)
        said = say(capsys, *words(bert, "--methods", "full", "-o", "study"))
    assert said.status == 130
    assert "the same command goes on with the study in study" in said.err
    assert json.loads(Path("study/study.json").read_text())["cells"][0]["reason"] == "SIGINT"


@pytest.mark.usefixtures("unchecked")
def test_a_run_that_was_killed_is_resumed_or_begun_anew(plan):
    nlptl.study(plan, "study")
    begun, killed = Path("study/full-4-seed0"), Path("study/full-8-seed1")
    before = [(p / "predictions" / "test.jsonl").read_text() for p in (begun, killed)]
    shutil.rmtree(begun)
    (begun / "checkpoints").mkdir(parents=True)  # it never began
    for name in ("model", "predictions"):
        shutil.rmtree(killed / name)
    (killed / "result.json").unlink()
    assert nlptl.study(plan, "study").is_finished
    assert [(p / "predictions" / "test.jsonl").read_text() for p in (begun, killed)] == before


@pytest.mark.usefixtures("unchecked")
def test_a_cell_that_fails_stays_with_its_reason_and_the_study_goes_on(bert, work, capsys):
    said = say(capsys, *words(bert, "--models", f"{bert},{work / 'none'}", "--methods", "tfidf", "-o", "study"))
    assert said.status == 0
    assert "failed" in said.out
    study = make_plan(bert, models=[str(bert), str(work / "none")], methods=["tfidf"], seeds=[0], label_counts=[None])
    failed = json.loads(Path("study/study.json").read_text())["cells"][1]
    assert failed["status"] == "failed"
    assert "none" in failed["reason"]
    again = nlptl.study(study, "study").record.cells[1]
    assert (again.status, again.reason) == ("failed", failed["reason"])


@pytest.mark.usefixtures("unchecked")
def test_the_command_line_and_a_plan_file_make_the_same_study(bert, work, capsys):
    flags = ("--methods", "tfidf", "--seeds", "0,1", "--label_counts", "4,8,16")
    said = say(capsys, *words(bert, *flags, "-o", "a"))
    assert said.status == 0, said.err
    assert all(text in said.out for text in ("6 of 6: tfidf-16-seed1", "mean over seeds", "with as many labels"))
    assert "labels  tfidf: " in said.out
    Path("plan.yaml").write_text(
        "task: sentiment\n"
        f"data: {{train: rows.csv}}\nmodel: {{name: {bert}}}\n"
        "train: {epochs: 1, batch_size: 2, precision: fp32}\neval: {n_bootstrap: 100, baselines: none}\n"
        "methods: [tfidf]\nseeds: [0, 1]\nlabel_counts: [4, 8, 16]\n"
    )
    monkey = say(capsys, "compare", "--plan", "plan.yaml", "-o", "a")  # the same plan: nothing is left to do
    assert monkey.status == 0, monkey.err
    assert "1 of 6" not in monkey.out
    other = say(capsys, "compare", "--plan", "plan.yaml", "--seeds", "0", "-o", "a")
    assert (other.status, "another plan, its seeds differ" in other.err) == (2, True)


REFUSED = [
    (("--methods", "lroa", "-o", "s"), "did you mean 'lora'"),
    (("-o", "s"), "needs --methods"),
    (("--methods", "probe"), "needs --output"),
    (("--methods", "probe", "--seeds", "a", "-o", "s"), "seeds must be a list"),
    (("--methods", "probe", "--label_counts", "0", "-o", "s"), "at least 1"),
    (("--method", "probe", "-o", "s"), "has no flag --method"),
    (("--methods", "probe", "--label_count", "3", "-o", "s"), "did you mean --label_counts"),
    (("--methods", "probe", "-o", "full"), "holds something else than a study"),
    (("--methods", "probe", "--data.label", "none", "-o", "s"), "none"),
    (("--methods", "probe", "--plan", "none.yaml", "-o", "s"), "there is no such file"),
]


@pytest.mark.parametrize(("flags", "message"), REFUSED)
def test_what_cannot_be_studied_is_refused_before_anything_is_trained(flags, message, bert, work, capsys, monkeypatch):
    monkeypatch.setattr("nlptl.runs.training.train", lambda *_: pytest.fail("training began"))
    (work / "full").mkdir()
    (work / "full" / "file").write_text("")
    said = say(capsys, *words(bert, *flags))
    assert said.status == 2, said
    assert message in said.err
    assert not (work / "s").exists()


@pytest.mark.usefixtures("unchecked")
def test_another_data_file_or_a_damaged_record_is_refused(bert, work):
    small = make_plan(bert, methods=["tfidf"], seeds=[0], label_counts=[4])
    nlptl.study(small, "study")
    record = Path("study/study.json")
    text = record.read_text()
    for damaged, message in (("{", "study.json is damaged"), ("{}", "no plan"), ('{"format": 9}', "has format 9")):
        record.write_text(damaged)
        with pytest.raises(InputError, match=message):
            nlptl.study(small, "study")
    record.write_text(text)
    write_csv(work / "rows.csv", reviews(80, start=1))
    with pytest.raises(InputError, match="the data has changed"):
        nlptl.study(small, "study")


def test_one_other_process_answers_the_reload_checks_of_all_runs(bert, work, monkeypatch):
    started = []
    own = reload_check.subprocess.Popen
    monkeypatch.setattr(reload_check.subprocess, "Popen", lambda *a, **k: started.append(own(*a, **k)) or started[-1])
    study = nlptl.study(make_plan(bert, methods=["full"], seeds=[0, 1], label_counts=[4]), "study")
    assert len(started) == 1
    assert started[0].poll() is not None
    for cell in study.record.cells:
        check = nlptl.Run(Path("study") / cell.name).result.reload_check
        assert check.n_examples == 12
        assert check.max_abs_diff < 1e-4
    with reload_check.one_process(), pytest.raises(nlptl.TrainingError, match="safetensors has changed"):
        folder = shutil.copytree(Path("study") / "full-4-seed0", work / "damaged")
        asked = reload_check._OTHER.get().ask(json.dumps({"folder": str(work / "none"), "rows": []}))
        assert "none" in json.loads(asked)["error"]
        next((folder / "model").glob("*.safetensors")).write_bytes(b"")
        run = nlptl.Run(Path("study") / "full-4-seed0")
        reload_check.run(folder, run.answers([run.row({"text": "a"})]), [run.row({"text": "a"})])
