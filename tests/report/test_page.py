"""report.html: one page for any run, made from its files, which asks for nothing and runs nothing."""

import json
import re
import shutil

import pytest

from nlptl.report.rendering import number, share, signed
from tests.report.looking import HOSTILE, check, shown_width, text_of
from tests.report.runs import page_of, write_run

WORDS = ("good film", "dull plot", "fine pan", "bad end")


def of_class(folder, n=120, names=("bad", "good"), wrong=10, **options):
    """Writes a run of n rows, every tenth of which is wrong."""
    rows = [
        {"text": f"{WORDS[i % 4]} {i} " + "so " * (i % 9), "label": names[i % len(names)], "domain": f"d{i % 3}"}
        for i in range(n)
    ]
    answers = [names[(i + (i % wrong == 0)) % len(names)] for i in range(n)]
    scores = [{x: (0.9 - i / 999) if x == answers[i] else 0.1 / len(names) for x in names} for i in range(n)]
    return write_run(
        folder, "sentiment" if names == ("bad", "good") else "classification", rows, answers, scores=scores, **options
    )


def of_numbers(folder):
    rows = [{"text": f"{WORDS[i % 4]} {i}", "label": i / 7} for i in range(60)]
    return write_run(folder, "regression", rows, [i / 7 + (i % 5) / 10 for i in range(60)])


def of_several(folder):
    names = ("a", "b", "c")
    rows = [
        {"text": f"{WORDS[i % 4]} {i}", "label": [x for j, x in enumerate(names) if i % (j + 2) == 0]}
        for i in range(60)
    ]
    answers = [["a"] if i % 2 == 0 else [] for i in range(60)]
    scores = [{x: 0.8 if x in answer else 0.2 for x in names} for answer in answers]
    return write_run(folder, "classification", rows, answers, scores=scores, fields={"labels": "several"})


def of_spans(folder):
    rows, answers, spans, scores = [], [], [], []
    for i in range(40):
        context = f"in {i} the cat sat on a mat"
        has = i % 4 != 0
        rows.append(
            {
                "question": f"who sat in {i}?",
                "context": context,
                "answers": {"text": ["the cat"] if has else [], "answer_start": [context.index("the")] if has else []},
            }
        )
        answer = "a mat" if i % 5 == 0 else "the cat"
        answers.append(answer)
        start = context.index(answer)
        spans.append([{"text": answer, "start": start, "end": start + len(answer), "score": 0.8}])
        scores.append({"answer": 0.8, "no_answer": 0.1})
    return write_run(folder, "extractive_qa", rows, answers, scores=scores, spans=spans)


def of_tags(folder):
    rows = [{"tokens": ["Ada", "met", f"Al{i}"], "ner_tags": ["B-PER", "O", "B-LOC"]} for i in range(30)]
    answers = [["B-PER", "O", "O" if i % 3 else "B-PER"] for i in range(30)]
    spans = [
        [{"text": "", "start": 0, "end": 3, "score": 0.7, "label": "PER"}] * sum(tag != "O" for tag in answer)
        for answer in answers
    ]
    return write_run(folder, "token_classification", rows, answers, spans=spans)


def of_texts(folder):
    rows = [{"text": f"{WORDS[i % 4]} {i}", "summary": f"a {WORDS[i % 4]}"} for i in range(20)]
    return write_run(folder, "text2text", rows, ["a good film"] * 20)


KINDS = (of_class, of_numbers, of_several, of_spans, of_tags, of_texts)


@pytest.mark.parametrize("make", KINDS)
def test_a_run_of_each_kind_has_a_whole_page(tmp_path, make):
    text = check(page_of(make(tmp_path)))
    for heading in ("Results", "Audit of the data", "Training", "Slices", "Errors", "Cost", "Settings"):
        assert heading in text
    assert "could not be made" not in text
    assert "nlptl train --config" in text
    assert "full at width 384" in text
    assert "about 0.084 Wh" in text


def test_what_is_known_of_a_class_run(tmp_path):
    text = check(page_of(of_class(tmp_path, slices=["domain"])))
    assert "Transfer helped: better than every baseline. On test, accuracy is 0.900" in text
    assert "Expected calibration error" in text
    assert "12 of 12 rows with an error" in text
    assert "domain d0" in text
    assert "characters" in text
    assert "1 row is <b>odd</b>" in text
    assert "20 updates, best on validation after update 10." in text


def test_the_page_of_a_run_with_its_data_in_memory_is_that_from_its_files(tmp_path):
    from nlptl import data
    from nlptl.runs.folder import Folder

    run = of_class(tmp_path, slices=["domain"])
    recipe = Folder(run).recipe()
    corpus = data.load(recipe.data, recipe.task.columns, sample="", seed=0, keep=["domain"])
    assert page_of(run, corpus=corpus) == page_of(run)


def test_texts_labels_columns_and_file_names_stay_text(tmp_path):
    rows = [
        {"text": f"{HOSTILE} {i}", "label": (HOSTILE, "<img src=x onerror=y>")[i % 2], HOSTILE: "</td>" * (i % 2)}
        for i in range(40)
    ]
    answers = [HOSTILE] * 40
    scores = [{HOSTILE: 0.9, "<img src=x onerror=y>": 0.1}] * 40
    run = write_run(tmp_path / "<b>x", "classification", rows, answers, scores=scores, slices=[HOSTILE])
    page = page_of(run)
    text = check(page)
    assert "<script" not in page
    assert HOSTILE in text
    assert "<b>x" in text


def test_entities_and_answers_are_marked_in_their_texts(tmp_path):
    page = page_of(of_tags(tmp_path / "tags"))
    assert re.search(r'<mark class="missed wrong">Al0</mark>', page)
    assert '<span class="tag missed">LOC</span>' in page
    page = page_of(of_spans(tmp_path / "spans"))
    assert '<mark class="missed">the cat</mark>' in page
    assert '<mark class="wrong">a mat</mark>' in page


def test_a_thousand_classes_and_long_texts_fit(tmp_path):
    names = tuple(f"class number {i}" for i in range(1000))
    long = "word \U0001f600 \u05d0\u05d1 " * 8000
    rows = [{"text": f"{i} {long if i % 50 == 0 else ''}", "label": names[i]} for i in range(1000)]
    answers = [names[(i * 7) % 1000] for i in range(1000)]
    run = write_run(tmp_path, "classification", rows, answers)
    text = check(page_of(run))
    assert "975 more classes" in text
    assert "The most frequent confusions" in text


def test_a_single_predicted_class(tmp_path):
    rows = [{"text": f"t {i}", "label": "ab"[i % 2]} for i in range(30)]
    run = write_run(tmp_path, "classification", rows, ["a"] * 30, scores=[{"a": 1.0, "b": 0.0}] * 30)
    assert "could not be made" not in check(page_of(run))


def test_no_errors_and_few_rows(tmp_path):
    rows = [{"text": f"t {i}", "label": "ab"[i % 2]} for i in range(6)]
    answers = ["ab"[i % 2] for i in range(6)]
    scores = [{x: float(x == answer) for x in "ab"} for answer in answers]
    text = check(page_of(write_run(tmp_path, "classification", rows, answers, scores=scores)))
    assert "There are no errors." in text
    assert "6 rows are too few" in text
    assert "could not be made" not in text


def test_a_damaged_line_and_a_row_without_a_label_are_counted(tmp_path):
    run = of_class(tmp_path)
    path = run / "predictions" / "test.jsonl"
    lines = path.read_text().splitlines()
    lines[3] = lines[3][:20]
    lines[4] = "[1]"
    bare = json.loads(lines[5]) | {"label": None, "row_id": 9999}
    path.write_text("\n".join([*lines[:5], json.dumps(bare), *lines[6:]]) + "\n")
    text = check(page_of(run))
    assert "Damaged lines left out of test.jsonl: 2." in text
    assert "Rows left out of test because they have no label: 1." in text


def test_without_predictions_the_page_says_so(tmp_path):
    run = of_class(tmp_path)
    shutil.rmtree(run / "predictions")
    text = check(page_of(run))
    assert text.count("There are no predictions with labels.") == 4
    assert "Transfer helped" in text


@pytest.mark.parametrize("make", KINDS)
def test_without_its_data_rows_are_shown_by_their_ids(tmp_path, make):
    run = make(tmp_path)
    (tmp_path / "data.jsonl").unlink()
    text = check(page_of(run))
    assert "rows are shown by their ids alone" in text
    assert "test row" in text
    assert "Text length is left out" in text


def test_changed_data_is_not_shown(tmp_path):
    run = of_class(tmp_path)
    data = tmp_path / "data.jsonl"
    data.write_text(data.read_text().replace("dull plot", "DULL PLOT"))
    text = check(page_of(run))
    assert "data has changed since the run" in text
    assert "DULL PLOT" not in text


@pytest.mark.parametrize("name", ["recipe.yaml", "audit.json", "metrics.jsonl", "inputs.json"])
@pytest.mark.parametrize("content", [None, "{", "[]", "\x00\xff"])
def test_a_damaged_or_missing_file_leaves_the_other_parts(tmp_path, name, content):
    run = of_class(tmp_path)
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_text(content)
    text = check(page_of(run))
    assert "Transfer helped" in text


def test_a_run_that_was_stopped_says_how_to_go_on(tmp_path):
    run = of_class(tmp_path)
    values = {"status": "interrupted", "task": "sentiment", "method": "full"}
    (run / "result.json").write_text(json.dumps(values))
    text = check(page_of(run))
    assert "This run is not finished: interrupted." in text
    assert "nlptl train --resume" in text


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ({"value": 0.1, "low": 0.05, "high": 0.2}, "Transfer helped"),
        ({"value": 0.1, "low": -0.05, "high": 0.2}, "Not shown that transfer helped."),
        ({"value": -0.1, "low": -0.2, "high": -0.05}, "Negative transfer: a baseline is better."),
    ],
)
def test_the_verdict_follows_the_interval(tmp_path, gain, words):
    run = of_class(tmp_path)
    values = json.loads((run / "result.json").read_text())
    values["baselines"]["test"]["majority"]["gain"] = gain
    (run / "result.json").write_text(json.dumps(values))
    assert words in text_of(page_of(run))


def test_a_metric_that_is_not_known_here_leaves_the_rest(tmp_path):
    run = of_class(tmp_path)
    values = json.loads((run / "result.json").read_text().replace('"accuracy"', '"my.Metric"'))
    (run / "result.json").write_text(json.dumps(values))
    text = check(page_of(run))
    assert text.count("could not be made") == 2  # the verdict, and the order of the baselines
    assert "12 of 12 rows with an error" in text


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.85312, "0.853"), (0, "0.000"), (12.34, "12.3"), (12345.6, "12,346"), (0.00012, "1.2e-04"), (float("nan"), "-")],
)
def test_a_number_has_the_digits_that_a_reader_needs(value, words):
    assert number(value) == words


def test_differences_have_signs_and_shares_percents():
    assert (signed(0.1), signed(-0.1), signed(0.0)) == ("+0.100", "\u22120.100", "0.000")
    assert (share(0.123), share(0.0123)) == ("12 %", "1.2 %")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_a_complaint_and_without_scrolling_sideways(tmp_path, width):
    run = of_class(tmp_path, names=tuple(f"a rather long name of class {i}" for i in range(20)), slices=["domain"])
    page = page_of(run)
    check(page)
    assert shown_width(run / "report.html", tmp_path, width) <= width
