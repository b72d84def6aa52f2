"""Explanations of a run's predictions: every method, kinds of answers, long texts, pairs, and what is refused."""

import json
from dataclasses import replace

import pytest
from rich.console import Console

import nlptl
from nlptl import Classification, DataConfig, EvalConfig, InputError, ModelConfig, Recipe, Regression, TrainConfig
from nlptl.core.registry import load, names
from nlptl.report import explaining
from nlptl.runs.explaining import Explainer
from tests.faults.small import make_bert, reviews, say, write_splits

TEXT = "the film was wonderful , but the ending is terrible !"


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return make_bert(tmp_path_factory.mktemp("model") / "bert")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, bert):
    """Trains a run, once for each name."""
    place = tmp_path_factory.mktemp("runs")
    splits, made = write_splits(place / "data"), {}

    def train(name, task="sentiment", method="full", data=None, **model):
        if name not in made:
            recipe = Recipe(
                task=task,
                data=DataConfig(train=str(splits) if data is None else data),
                model=ModelConfig(name=str(bert), **model),
                method=method,
                train=TrainConfig(epochs=2, batch_size=8, precision="fp32", lr=3e-3),
                eval=EvalConfig(n_bootstrap=100, baselines="none"),
            )
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
                made[name] = nlptl.load(recipe.run(place / name).folder)
        return made[name]

    return train


METHODS = [name for name in names("method") if name != "auto"]


@pytest.mark.parametrize("method", METHODS)
def test_words_of_every_method_add_up_to_the_logit_of_the_predicted_label(trained, method):
    run = trained(method, method=load("method", method)())
    found = run.explain([TEXT])[0]
    (prediction,), logits = run.predict([TEXT]), run.answers([run.row({"text": TEXT})])
    assert (found.label, found.prediction) == (prediction.prediction, prediction.prediction)
    assert found.value == pytest.approx(logits[0, run.labels.index(found.label)], abs=1e-5)
    total = sum(word.value for word in found.words)
    assert total == pytest.approx(found.value - found.baseline, abs=max(0.02 * abs(found.value - found.baseline), 1e-3))
    assert [TEXT[word.start : word.end] for word in found.words] == TEXT.split() == [word.text for word in found.words]
    assert found.baseline_token == "[PAD]"


def test_of_a_hybrid_the_part_of_the_terms_is_said_apart(trained):
    run = trained("hybrid", method="hybrid")
    unknown, known = run.explain(["zzz qqq"])[0], run.explain([TEXT])[0]
    assert unknown.terms == 0
    assert known.terms != 0
    weights = run.pretrained.module.term_weights.weight.detach().numpy()[run.labels.index(known.label)]
    terms = run.pretrained.terms.rows([run.row({"text": TEXT})])
    assert known.terms == pytest.approx(float((terms @ weights)[0]), abs=1e-5)
    assert trained("full").explain([TEXT])[0].terms is None


def test_another_label_may_be_explained(trained):
    run = trained("full")
    both = [run.explain([TEXT], label=label)[0] for label in run.labels]
    assert [found.label for found in both] == list(run.labels)
    assert both[0].value != both[1].value
    with pytest.raises(InputError, match=r"no label 'positve' \(did you mean 'positive'\?\); labels: negative, posit"):
        run.explain([TEXT], label="positve")


def test_explanations_are_the_same_each_time_and_do_not_depend_on_other_rows(trained):
    run = trained("full")
    first, again = run.explain([TEXT]), run.explain(["short", TEXT])
    assert first[0].words == again[1].words
    assert run.explain([]) == []
    assert list(run.explain([TEXT]).to_frame().columns)[:2] == ["row_id", "text"]


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "!"])
def test_texts_without_words_have_explanations(trained, text):
    found = trained("full").explain([text])[0]
    assert len(found.words) == len(text.strip())


def test_of_several_labels_the_likeliest_is_explained(trained):
    rows = [{"text": row["text"], "label": "a,b" if i % 3 else "b"} for i, row in enumerate(reviews(40))]
    run = trained("several", task=Classification(labels="several"), data=rows)
    found, prediction = run.explain([TEXT])[0], run.predict([TEXT])[0]
    assert found.label == max(prediction.scores, key=prediction.scores.get)
    assert found.is_complete


@pytest.mark.parametrize("loss", ["mse", "ordinal"])
def test_numbers_are_explained_in_the_unit_of_the_data(trained, loss):
    rows = [{"text": row["text"], "score": 100.0 + 10 * (i % 4)} for i, row in enumerate(reviews(40))]
    run = trained(loss, task=Regression(loss=loss), data=rows)
    found, prediction = run.explain([TEXT])[0], run.predict([TEXT])[0]
    assert found.label is None
    assert found.value == pytest.approx(prediction.prediction, abs=1e-3)
    assert sum(word.value for word in found.words) == pytest.approx(found.value - found.baseline + found.error)
    with pytest.raises(InputError, match=r"--label .* answers with a number"):
        run.explain([TEXT], label="good")


def test_words_of_both_texts_of_a_pair_have_values(trained):
    rows = [{"text": row["text"], "text_pair": "good music", "label": row["label"]} for row in reviews(40)]
    run = trained("pairs", task=Classification(), data=rows)
    found = run.explain([{"text": "the plot", "text_pair": "a kettle , broke"}])[0]
    assert [(word.column, word.text) for word in found.words] == [
        ("text", "the"),
        ("text", "plot"),
        *(("text_pair", word) for word in ("a", "kettle", ",", "broke")),
    ]
    assert None not in [word.value for word in found.words]


@pytest.mark.parametrize("long", ["truncate", "head+tail", "window"])
def test_words_of_long_texts_that_were_not_read_have_no_value(trained, long):
    run = trained(long, task={"name": "sentiment", "long": long, "overlap": 2}, max_length=10)
    text = "the film was a wonderful surprise and i loved every minute of the whole long story"
    found = run.explain([text])[0]
    read = [word.value is not None for word in found.words]
    expected = {"truncate": [True] * 8 + [False] * 8, "window": [True] * 16}
    if long in expected:
        assert read == expected[long]
    else:
        assert (read[0], read[-1], read.count(True)) == (True, True, 8)
    known = [word.value for word in found.words if word.value is not None]
    assert sum(known) == pytest.approx(found.value - found.baseline + found.error)


def test_pieces_of_a_word_are_one_word_and_unknown_characters_too(trained):
    run = trained("full")
    text = "unwonderful \u4e2d\u56fd caf\u00e9s \U0001f600"
    found = run.explain([text])[0]
    assert [word.text for word in found.words] == ["unwonderful", "\u4e2d", "\u56fd", "caf\u00e9s", "\U0001f600"]
    assert [text[word.start : word.end] for word in found.words] == [word.text for word in found.words]


@pytest.mark.parametrize("task", ["token_classification", "extractive_qa"])
def test_answers_that_are_no_single_value_are_refused(trained, task):
    run = trained("full")
    other = load("task", task)()
    run.pretrained.output, kept = other.output, run.pretrained.output
    try:
        with pytest.raises(InputError, match="which is no single value that words add to"):
            run.explain([TEXT])
    finally:
        run.pretrained.output = kept


def test_a_task_that_does_not_say_which_characters_its_tokens_cover_is_refused(trained):
    class Own:
        """A task of a user's own."""

    predictor = trained("full").predictor
    with pytest.raises(InputError, match=r"the task Own does not say .*\(nlptl\.core\.protocols\.Locating"):
        Explainer(replace(predictor, task=Own()))


def test_other_runtimes_than_torch_are_refused(trained):
    with pytest.raises(InputError, match="only torch"):
        Explainer(replace(trained("full").predictor, runtime=object()))


def test_a_file_gives_a_line_each_and_one_text_a_list(trained, capsys, tmp_path, monkeypatch):
    run = trained("full")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text("text,label\n" + "".join(f'"{r["text"]}",x\n' for r in reviews(3)))
    said = say(capsys, "explain", run.folder, "new.csv", "--output", "x.jsonl")
    assert (said.status, "3 explanations in x.jsonl" in said.err) == (0, True)
    lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [line["row_id"] for line in lines] == [0, 1, 2]
    assert say(capsys, "explain", run.folder, "--text", TEXT, "--output", "x.json").status == 0
    (whole,) = json.loads((tmp_path / "x.json").read_text())
    found = run.explain([TEXT])[0]
    assert whole["words"][1] == {
        "text": "film",
        "start": 4,
        "end": 8,
        "value": pytest.approx(found.words[1].value),
        "column": "text",
    }
    assert (whole["label"], whole["logit"]) == (found.label, pytest.approx(found.value))
    assert whole["completeness"] == {"error": pytest.approx(found.error), "is_complete": True, "n_steps": 32}
    assert whole["baseline"] == {"token": "[PAD]", "logit": pytest.approx(found.baseline)}
    out = say(capsys, "explain", run.folder, "--text", TEXT, "--output", "-").out
    assert json.loads(out) == whole
    assert say(capsys, "explain", run.folder, "--text", TEXT, "--output", "x.json").status == 2


def test_without_colours_each_word_has_its_value_in_brackets(trained, capsys):
    run = trained("full")
    said = say(capsys, "explain", run.folder, "--text", "a [red]film", "--verbose")
    assert said.out.startswith(f"explain row 0: {run.predict(['a [red]film'])[0].prediction}, logit ")
    values = [word.value for word in run.explain(["a [red]film"])[0].words]
    assert f"a[{values[0]:+.2f}] [[{values[1]:+.2f}]red[{values[2]:+.2f}]" in said.out
    assert "what each word adds" in said.out


def test_with_colours_words_for_the_label_are_blue_and_others_orange(trained, monkeypatch):
    made = Console(force_terminal=True, color_system="truecolor")
    monkeypatch.setattr(explaining, "Console", lambda: made)
    found = trained("full").explain([TEXT])[0]
    shown = explaining.text(found, "text")
    assert shown.plain == TEXT
    blue = {shown.plain[span.start : span.end] for span in shown.spans if is_blue(span.style)}
    assert blue <= {word.text for word in found.words if word.value > 0}
    largest = max(found.words, key=lambda word: abs(word.value))
    assert (largest.text in blue) == (largest.value > 0)


def is_blue(style):
    red, _, blue = style.bgcolor.triplet
    return blue > red


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "needs either --input FILE or --text TEXT"),
        (("--text", "a", "new.csv"), "needs either"),
        (("--text", "a", "--output", "x.csv"), "expected .json, .jsonl"),
        (("--text", "a", "--label", "bad"), "the model has no label 'bad'"),
        (("--text", "a", "--text-pair", "b"), "does not read 'text_pair'"),
        (("missing.csv",), "missing.csv"),
    ],
)
def test_wrong_command_lines_are_refused_in_words(trained, capsys, words, expected):
    said = say(capsys, "explain", trained("full").folder, *words)
    assert (said.status, expected in said.err) == (2, True)
