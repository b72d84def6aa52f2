"""Files and folders that cannot be used: exit status 2, a message that helps, nothing trained or written."""

import json
import os
import shutil

import pytest

from nlptl.runs.artifact import OLDEST
from tests.faults.small import reviews, snapshot, write_csv

GOOD = "text,label\n" + "".join(f"{r['text']},{r['label']}\n" for r in reviews(20))


@pytest.fixture
def model(bert, work):
    """A copy of the model, to be spoilt."""
    return shutil.copytree(bert, work / "bert")


def edit_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def renamed(**names):
    return [{names.get(k, k): v for k, v in row.items()} for row in reviews(20)]


def test_a_missing_data_file_names_the_nearest(refused, says, train):
    says(refused(*train, "--data.train", "trian.csv"), "trian.csv", "did you mean 'train.csv'")


def test_a_missing_test_file_names_the_nearest(refused, says, train):
    says(refused(*train, "--data.test", "tain.csv"), "tain.csv", "did you mean 'train.csv'")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", ["is empty", "header"], id="empty"),
        pytest.param(b"text,label\n", ["header line but no rows"], id="header only"),
        pytest.param("text,label\ncafé,good\n".encode("latin-1"), ["not UTF-8", "line 2", "0xe9", "iconv"], id="latin"),
        pytest.param(GOOD.partition("\n")[2].encode(), ["no header line", "text column"], id="no header"),
        pytest.param(b'text,label\n"a,good\nb,bad\n', ["line 2", "quote"], id="open quote"),
        pytest.param(b"text,label\na,b,good\nc,bad\n", ["line 2", "3 fields, expected 2"], id="uneven"),
        pytest.param(b"text,label\na,good\nb,\nc,bad\nd,bad\n", ["1 of 4 rows", "no label", "row 1"], id="unlabelled"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_why_and_what_to_do(refused, says, work, train, content, said):
    (work / "reviews.csv").write_bytes(content)
    says(refused(*train, "--data.train", "reviews.csv"), "reviews.csv", *said)


@pytest.mark.parametrize(
    ("names", "flags", "said"),
    [
        ({"text": "txet"}, [], ["no text column", "'txet', 'label'", "did you mean 'txet'", "--data.text"]),
        ({"label": "lable"}, [], ["no label column", "'text', 'lable'", "did you mean 'lable'", "--data.label"]),
        ({}, ["--data.text", "txt"], ["no text column", "expected 'txt'", "did you mean 'text'"]),
        ({}, ["--data.label", "lbl"], ["no label column", "expected 'lbl'", "did you mean 'label'"]),
        ({}, ["--data.text_pair", "context"], ["no text_pair column", "expected 'context'"]),
    ],
)
def test_a_missing_column_names_what_was_found_and_the_nearest(refused, says, work, train, names, flags, said):
    write_csv(work / "reviews.csv", renamed(**names))
    says(refused(*train, "--data.train", "reviews.csv", *flags), "reviews.csv", *said)


def test_a_single_class_is_refused(refused, says, work, train):
    write_csv(work / "one.csv", reviews(20, ["good"]))
    says(refused(*train, "--data.train", "one.csv"), "one.csv", "label 'good'", "at least two labels")


def test_a_validation_label_that_train_lacks_names_the_nearest(refused, says, work, train):
    write_csv(work / "dev.csv", [*reviews(6), {"text": "x", "label": "postive"}])
    says(refused(*train, "--data.validation", "dev.csv"), "dev.csv", "'postive'", "did you mean 'positive'")


def test_blank_texts_are_refused_with_their_rows(refused, says, work, train):
    write_csv(work / "some.csv", [*reviews(20), {"text": " \t", "label": "positive"}])
    says(refused(*train, "--data.train", "some.csv"), "some.csv", "blank text", "row 20", "--data.blank")


def test_a_strict_audit_stops_at_its_warnings(refused, says, work, train):
    write_csv(work / "dev.csv", reviews(8))
    message = refused(*train, "--data.validation", "dev.csv", "--data.audit", "strict")
    says(message, "1 warning", "8 of 8 validation rows", "in train", "--data.audit report")


def test_a_strict_audit_lists_its_warnings_line_by_line(refused, work, train):
    write_csv(work / "dev.csv", reviews(8))
    lines = refused(*train, "--data.validation", "dev.csv", "--data.audit", "strict").splitlines()
    assert [line.strip().startswith("- 8 of 8") for line in lines] == [False, True, False]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("./bretr", ["no such folder", "did you mean 'bert'"]),
        ("train.csv", ["is a file, expected a folder or a Hub id"]),
        ("a/b/c", ["no such folder"]),
        ("empty", ["no config.json"]),
    ],
)
def test_a_model_that_is_no_folder_of_one_is_refused(refused, says, work, model, train, name, said):
    (work / "empty").mkdir()
    if name == "empty":
        (work / "empty" / "model.safetensors").write_bytes(b"")
    says(refused(*train, "--model.name", name), *said)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("OfflineModeIsEnabled", "because HF_HUB_OFFLINE is set"),
        ("LocalEntryNotFoundError", "the Hub could not be reached"),
        ("RepositoryNotFoundError", "the Hub has no model of that name"),
        ("GatedRepoError", "only after its conditions were accepted"),
        ("RevisionNotFoundError", "no such model.revision"),
        (None, "the disk sleeps"),
    ],
)
def test_a_model_that_the_hub_does_not_give_is_refused_in_words(refused, says, monkeypatch, model, train, kind, reason):
    import huggingface_hub
    from huggingface_hub import errors

    def failing(*_, **__):
        cls = getattr(errors, kind) if kind else OSError
        raise cls.__new__(cls, "the disk sleeps\nmore")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", failing)
    message = refused(*train, "--model.name", "bret")
    says(message, "'bret': there is no such folder (did you mean 'bert'?)", reason)
    assert "more" not in message
    assert kind is None or kind not in message


def test_an_empty_name_of_a_model_is_no_folder(refused, says, train):
    says(refused(*train, "--model.name", ""), "model.name", "expected a folder or a Hub id")


def test_pickled_weights_are_refused(refused, says, model, train):
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    says(refused(*train, "--model.name", model), "pickled weights (pytorch_model.bin)", "run code", "save_pretrained")


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_model_that_brings_its_own_code_is_refused_and_never_run(refused, says, model, train, file):
    edit_json(model / file, auto_map={"AutoModel": "own.Model", "AutoConfig": "own.Config"})
    (model / "own.py").write_text(f"open({str(model / 'ran')!r}, 'w')")
    says(refused(*train, "--model.name", model), file, "'auto_map'", "run code")
    assert not (model / "ran").exists()


def test_an_unsupported_architecture_names_those_supported(refused, says, model, train):
    edit_json(model / "config.json", model_type="robert")
    says(refused(*train, "--model.name", model), "'robert' is not supported", "did you mean 'roberta'", "bert, mt5")


def test_truncated_weights_are_refused(refused, says, model, train):
    weights = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    says(refused(*train, "--model.name", model), str(model), "cannot be loaded")


def test_weights_of_another_configuration_are_refused(refused, says, model, train):
    edit_json(model / "config.json", hidden_size=64)
    says(refused(*train, "--model.name", model), "lacks", "do not belong together")


def test_a_broken_configuration_of_a_model_is_refused(refused, says, model, train):
    (model / "config.json").write_text("{")
    says(refused(*train, "--model.name", model), "config.json is not valid JSON")


def test_a_model_without_a_tokenizer_is_refused(refused, says, model, train):
    for file in model.glob("tokenizer*"):
        file.unlink()
    says(refused(*train, "--model.name", model), "tokenizer")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"train: [1, 2\nfoo: }", ["recipe.yaml", "not valid YAML", "line 2"], id="broken"),
        pytest.param("data:\n  text: café\n".encode("latin-1"), ["recipe.yaml", "not valid YAML"], id="latin"),
        pytest.param(b"train:\n  epoch: 3\n", ["train", "'epoch'"], id="unknown field"),
        pytest.param(b"trian:\n  epochs: 3\n", ["trian"], id="unknown part"),
        pytest.param(b"train:\n  lr: high\n", ["train.lr", "high"], id="wrong type"),
        pytest.param(b"train:\n  lr: 3\n", ["train.lr", "found 3"], id="out of range"),
        pytest.param(b"method:\n  name: loar\n", ["method 'loar'", "did you mean 'lora'"], id="unknown method"),
        pytest.param(b"method:\n  name: lora\n  rnk: 3\n", ["method", "'rnk'"], id="field of no method"),
    ],
)
def test_a_recipe_file_that_cannot_be_used_says_why(refused, says, work, content, said):
    (work / "recipe.yaml").write_bytes(content)
    says(refused("train", "--config", "recipe.yaml"), *said)


@pytest.mark.parametrize(
    ("content", "nearest"),
    [("train:\n  epoch: 3\n", "epochs"), ("trian:\n  lr: 1\n", "train"), ("method: {name: lora, rnk: 3}", "rank")],
)
def test_an_unknown_field_of_a_recipe_file_names_the_nearest(refused, says, work, content, nearest):
    (work / "recipe.yaml").write_text(content)
    says(refused("train", "--config", "recipe.yaml"), f"did you mean '{nearest}'")


@pytest.mark.parametrize("content", ["- a\n- b\n", "", "method: [lora]\n", "task: 3\n", "train: 3\n"])
def test_a_recipe_file_of_another_shape_is_refused_by_name(refused, says, work, content):
    (work / "recipe.yaml").write_text(content)
    says(refused("train", "--config", "recipe.yaml"), "recipe.yaml", "found")


def test_a_missing_recipe_file_is_said(refused, says):
    says(refused("train", "--config", "nowhere.yaml"), "--config 'nowhere.yaml'", "no such file")


@pytest.mark.parametrize("holds", ["a run", "files"])
def test_an_output_folder_that_holds_something_is_refused_and_stays_as_it_is(refused, says, work, train, holds):
    folder = work / "out"
    folder.mkdir()
    (folder / ("recipe.yaml" if holds == "a run" else "notes.txt")).write_text("mine")
    before = snapshot(work)
    says(refused(*train, "--output", folder), "out", f"already holds {holds}", "choose another folder")
    assert snapshot(work) == before


def test_an_output_that_is_a_file_is_refused(refused, says, train):
    says(refused(*train, "--output", "train.csv"), "'train.csv' already holds a file")


@pytest.mark.parametrize("output", ["train.csv/run", "/proc/nowhere/run"])
def test_an_output_folder_that_cannot_be_made_is_refused(refused, says, train, output):
    says(refused(*train, "--output", output), output, "cannot be written")


def test_an_output_below_a_read_only_folder_is_refused(refused, says, work, train):
    locked = work / "locked"
    locked.mkdir(mode=0o555)
    if os.access(locked, os.W_OK):
        pytest.skip("this user writes into read-only folders")
    says(refused(*train, "--output", "locked/run"), "locked/run", "cannot be written")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("evaluate nowhere --data.test train.csv", ["no run's folder 'nowhere'"]),
        ("evaluate empty --data.test train.csv", ["empty has no nlptl.json", "expected a run's folder"]),
        ("evaluate train.csv --data.test train.csv", ["no run's folder 'train.csv'"]),
        ("predict nowhere --text x", ["no run's folder 'nowhere'"]),
        ("predict empty --text x", ["empty has no nlptl.json", "expected a run's folder"]),
        ("train --resume nowhere", ["nowhere has no recipe.yaml"]),
        ("train --resume empty", ["empty has no recipe.yaml"]),
    ],
)
def test_a_folder_that_is_no_run_is_said(refused, says, work, words, said):
    (work / "empty").mkdir()
    says(refused(*words.split()), *said)


def test_a_card_that_names_foreign_code_is_refused_and_never_imports_it(refused, says, work, bert):
    model = shutil.copytree(bert, work / "model")
    (work / "foreign.py").write_text(f"open({str(work / 'ran')!r}, 'w')")
    labels = {"names": ["bad", "good"], "values": None, "mean": 0.0, "scale": 1.0}
    chosen = {"task": {"name": "sentiment"}, "method": {"name": "foreign.Method"}}
    card = {"format": OLDEST, **chosen, "labels": labels, "columns": {}, "decision": {}}  # the oldest has no hashes
    (model / "nlptl.json").write_text(json.dumps(card))
    message = refused("predict", "model", "--text", "x")
    says(message, "'foreign.Method' is not imported", "--import foreign")
    assert not (work / "ran").exists()
