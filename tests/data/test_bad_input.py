"""Every bad input is an `InputError` that says where, what was found, and what to do."""

import gzip

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.data import load_split, open_rows

GOOD = "text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40))


def said(read, *args, **settings):
    with pytest.raises(InputError) as caught:
        read(*args, **settings)
    return str(caught.value)


def says(message, *words):
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} not in: {message}"


def test_a_missing_file_names_the_nearest_one(read, write):
    path = write("reviews.csv", GOOD)
    message = said(read, str(path.with_name("reveiws.csv")))
    says(message, "reveiws.csv", "not an existing file, folder or Hub id", "did you mean 'reviews.csv'")


def test_a_missing_folder_is_said(read, tmp_path):
    says(said(read, str(tmp_path / "nowhere" / "a.csv")), "the folder", "nowhere does not exist either")


@pytest.mark.parametrize("name", ["data/reviews.csv", "a/b/c", "reviews", "/abs/olute", "./folder", "../up"])
def test_what_is_no_hub_id_is_never_tried_on_the_hub(read, monkeypatch, name):
    monkeypatch.setattr("nlptl.data.arrow.load_hub", lambda _: pytest.fail("asked the Hub"))
    says(said(read, name), "not an existing file, folder or Hub id")


def test_an_unreachable_hub_is_said(read, monkeypatch):
    import datasets

    def unreachable(*_):
        raise ConnectionError("Couldn't reach 'some/reviews' on the Hub\nmore")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    message = said(read, "some/reviews")
    says(message, "'some/reviews'", "there is no such file or folder", "the Hub could not be reached")
    assert "Couldn't" not in message
    assert "more" not in message


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.json", "a.jsonl"])
def test_an_empty_file_is_said(read, write, name):
    says(said(read, write(name, "")), name, "is empty")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_header_without_rows_is_said(read, write, name):
    says(said(read, write(name, "text\tlabel\n" if name == "a.tsv" else "text,label\n")), name, "header", "no rows")


@pytest.mark.parametrize(("name", "content"), [("a.json", "[]"), ("a.jsonl", "\n\n")])
def test_json_without_rows_is_said(read, write, name, content):
    message = said(read, write(name, content))
    assert "no rows" in message or "is empty" in message


def test_lists_and_frames_without_rows_are_said(read):
    import pandas as pd

    says(said(read, []), "the list has no rows")
    says(said(read, pd.DataFrame({"text": [], "label": []})), "the data frame has no rows")


def test_text_that_is_not_utf8_gives_line_and_byte(read, write):
    path = write("a.csv", b"text,label\nfine,a\ncaf" + b"\xe9,b\n")
    says(said(read, path), "a.csv is not UTF-8", "line 3", "byte 21", "0xe9", "iconv")


def test_utf8_cut_inside_a_character_is_said(read, write):
    says(said(read, write("a.csv", "text,label\nfine,é".encode()[:-1])), "not UTF-8", "line 2")


@pytest.mark.parametrize("content", ["great film,1\nbad film,0\n", "1,great\n0,great\n", "good one,pos\nbad,pos\n"])
def test_a_missing_header_line_is_suspected(read, write, content):
    says(said(read, write("a.csv", content)), "no text column", "seems to have no header line")


def test_a_header_of_unknown_names_is_not_taken_for_data(read, write):
    message = said(read, write("a.csv", "opinion,label\ngood,1\nbad,0\n"))
    says(message, "no text column", "'opinion', 'label'", "--data.text")
    assert "first line" not in message


@pytest.mark.parametrize(
    ("name", "content", "given", "flag"),
    [
        ("a.csv", "text;label\ngood;1\n", ",", "--data.delimiter ';'"),
        ("a.csv", "text\tlabel\ngood\t1\n", ";", "--data.delimiter $'\\t'"),
        ("a.csv", "text|label\ngood, really|1\n", ",", "--data.delimiter '|'"),
        ("a.tsv", "text,label\ngood,1\n", "\t", "--data.delimiter ','"),
    ],
)
def test_a_wrong_delimiter_given_by_hand_is_recognised(read, write, name, content, given, flag):
    says(said(read, write(name, content), delimiter=given), "single column", flag)


def test_a_row_of_another_width_gives_its_line_and_how_many_there_are(read, write):
    content = 'text,label\n"two\nlines",a\ngood, really,a\nbad,b\nshort\n'
    says(said(read, write("a.csv", content)), "a.csv, line 4", "3 fields", "expected 2", "2 such rows")


def test_an_unclosed_quote_gives_the_line_it_opens_on(read, write):
    content = 'text,label\ngood,a\n"bad,b\nworse,b\n'
    says(said(read, write("a.csv", content)), "a.csv, line 3", "quote", "--data.quoting none")


def test_a_column_named_twice_is_said(read, write):
    says(said(read, write("a.csv", "text,text,label\na,b,c\n")), "'text' twice")


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": "x", "text": "y", "label": 1}\n', "line 2"),
        ("a.json", '[{"text": "x", "text": "y", "label": 1}]', "a.json: an object"),
    ],
)
def test_a_json_object_that_names_a_column_twice_is_said(read, write, name, content, place):
    says(said(read, write(name, content)), place, "'text' twice")


def test_a_frame_and_a_parquet_file_with_two_columns_of_a_name_are_said(read, tmp_path, capfd):
    import pandas as pd
    import pyarrow
    from pyarrow import parquet

    says(said(read, pd.DataFrame([["a", "b", "x"]], columns=["text", "text", "label"])), "data frame", "'text' twice")
    says(said(read, pd.DataFrame([["a", "b"]], columns=[1, "1"])), "data frame", "'1' twice")
    table = pyarrow.Table.from_arrays([pyarrow.array(["a"])] * 3, names=["text", "text", "label"])
    parquet.write_table(table, tmp_path / "a.parquet")
    says(said(read, tmp_path / "a.parquet"), "a.parquet", "'text' twice")
    assert capfd.readouterr().err == ""


def test_an_invalid_json_line_gives_its_number(read, write):
    content = '{"text": "good", "label": 1}\n{"text": "bad", "label": 0\n'
    says(said(read, write("a.jsonl", content)), "a.jsonl, line 2", "not valid JSON")


def test_a_json_line_that_is_no_object_gives_its_number(read, write):
    says(said(read, write("a.jsonl", '{"text": "good", "label": 1}\n\n["bad", 0]\n')), "line 3", "object", "list")


def test_json_files_with_the_other_types_name_are_recognised(read, write):
    says(said(read, write("a.json", '{"text": "a"}\n{"text": "b"}\n')), "line 2", "rename it to .jsonl")
    says(said(read, write("a.jsonl", '[\n{"text": "a"}]\n')), "line 1", "rename it to .json")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": [{"text": "x"}], "b": [{"text": "y"}]}', ["exactly one list of objects", "a, b"]),
        ('{"a": 1}', ["exactly one list of objects", "only a"]),
        ('{"text": ["a"], "label": ["x", "y"]}', ["exactly one list of objects", "only text, label"]),
        ('{"text": {"x": "a"}, "label": {"x": 1}}', ["exactly one list of objects", "only text, label"]),
        ('"text"', ["expected a list of objects", "str"]),
        ('[{"text": "x"}, 3]', ["row 1", "object", "int"]),
    ],
)
def test_json_of_another_shape_is_said(read, write, content, words):
    says(said(read, write("a.json", content)), "a.json", *words)


def test_a_missing_label_column_lists_what_there_is(read, write):
    says(
        said(read, write("a.csv", "text,lable\ngood,1\n")), "no label column", "'lable'", "did you mean", "--data.label"
    )


def test_a_column_named_by_hand_must_exist(read, rows):
    says(said(read, rows, text="txt"), "no text column", "expected 'txt'", "did you mean 'text'", "--data.text")


def test_an_optional_column_named_by_hand_must_exist_too(read, rows):
    says(said(read, rows, text_pair="other"), "no text_pair column", "'other'", "--data.text_pair")


def test_a_single_class_is_said(read):
    says(said(read, [{"text": f"t{i}", "label": "a"} for i in range(20)]), "have the label 'a'", "at least two")


def test_a_label_that_training_lacks_is_named_with_the_nearest_and_counted(read, rows):
    validation = [{"text": "x", "label": "Good"}, {"text": "y", "label": "Good"}, {"text": "z", "label": "bad"}]
    message = said(read, rows, validation=validation)
    says(
        message,
        "validation",
        "2 of 3 rows",
        "'Good' (2 rows)",
        "did you mean 'good'",
        "labels of train (the list): bad, good",
    )


def test_a_label_that_only_test_has_is_said(read, rows):
    says(said(read, rows, test=[{"text": "x", "label": "ugly"}]), "test", "'ugly'")


def test_a_label_lost_to_n_train_is_blamed_on_it(read):
    rows = [{"text": f"t{i}", "label": "abcdefgh"[i % 8]} for i in range(80)]
    says(said(read, rows, n_train=3), "lacks", "n_train")


def test_blank_texts_are_counted_and_named(read, rows):
    rows[3]["text"], rows[7]["text"] = " \n", None
    says(said(read, rows), "2 of 40 rows have a blank text", "rows 3, 7", "--data.blank drop|keep")


def test_blank_texts_in_validation_are_an_error_too(read, rows):
    says(said(read, rows, validation=[{"text": "", "label": "bad"}]), "validation", "row 0", "--data.blank")


def test_a_missing_label_gives_the_row_ids(read, rows):
    rows[5]["label"], rows[9]["label"] = None, "  "
    says(said(read, rows), "2 of 40 rows have no label", "rows 5, 9")


def test_labels_that_are_lists_are_said(read, rows):
    rows[2]["label"] = ["a", "b"]
    says(said(read, rows), "row 2", "label is a list")


def test_texts_that_are_no_strings_are_said(read, rows):
    rows[2]["text"] = {"a": 1}
    says(said(read, rows), "row 2", "text is a dict")


@pytest.mark.parametrize("name", ["a.txt", "a.ods", "a", "a.txt.gz"])
def test_an_unsupported_type_lists_the_supported_ones(read, write, name):
    says(said(read, write(name, GOOD)), "unsupported file type", ".csv, .tsv, .json, .jsonl, .parquet")


def test_gzip_that_is_not_gzip_is_said(read, write):
    says(said(read, write("a.csv.gz", GOOD)), "a.csv.gz is not gzip")


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.parquet.gz"])
def test_truncated_gzip_is_said(read, write, name):
    packed = gzip.compress(GOOD.encode() * 50)
    says(said(read, write(name, packed[: len(packed) // 2])), name, "truncated")


def test_what_is_not_parquet_is_said(read, write):
    says(said(read, write("a.parquet", GOOD)), "a.parquet", "cannot be read as parquet")


def test_a_given_test_file_without_labels_is_an_error(read, write):
    message = said(read, write("a.csv", GOOD), test=write("b.csv", "text\nx\n"))
    says(message, "test", "b.csv", "no label column")


def test_an_unknown_sample_names_the_nearest(read):
    says(said(read, "sample:review"), "no sample 'review'", "did you mean 'reviews'")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train": [], "tset": []}, ["'train', 'tset'", "did you mean 'test'"]),
        ({"text": ["a"], "label": [1]}, ["expected the keys train, validation, test", "DataFrame"]),
        ({"validation": [], "dev": []}, ["validation, dev", "same split"]),
        ({"test": [{"text": "x", "label": 1}]}, ["no train split", "found test"]),
        (3, ["int", "expected a file"]),
        ({1, 2}, ["type set", "expected a file", "(texts, labels)"]),
        (b"a.csv", ["type bytes", "expected a file"]),
        ({"train": 3}, ["type int", "expected a file"]),
        ("", ["name of the data is empty", "expected a file"]),
        (["a", "b"], ["row 0 is a str", "expected a dict", "(texts, labels)"]),
        ([{0: "a", 1: "b"}], ["no text column", "'0', '1'"]),
        ([{1: "a", "1": "b"}], ["row 0", "'1' twice"]),
    ],
)
def test_python_values_that_are_no_data_are_said(read, given, words):
    says(said(read, given), *words)


def test_a_folder_without_usable_files_lists_what_it_has(read, write):
    folder = write("data/train.txt", "x").parent
    says(said(read, folder), "no train, validation or test file", "train.txt")


def test_a_folder_with_two_files_for_a_split_is_ambiguous(read, write):
    write("train.csv", GOOD)
    write("dev.csv", GOOD)
    folder = write("valid.tsv", GOOD).parent
    says(said(read, folder), "dev.csv and valid.tsv", "validation", "--data.validation")


def test_too_few_rows_to_divide_are_said(read):
    says(said(read, [{"text": "x", "label": "a"}, {"text": "y", "label": "b"}]), "2 rows are too few", "--data.")


def test_labels_that_all_differ_are_told_as_a_wrong_column(read):
    rows = [{"text": f"t{i}", "label": f"review {i}"} for i in range(40)]
    message = said(read, rows)
    says(message, "40 rows", "'review 0'", "--data.label", "regression")
    assert "too few" not in message


def test_a_column_that_two_roles_name_is_told_as_that(read, rows):
    says(said(read, rows, label="label", text="label"), "--data.text and --data.label", "'label'")
    message = said(read, rows, label="text")
    says(message, "no text column", "the column 'text' is already the label")
    assert "did you mean 'text'" not in message


@pytest.mark.parametrize(
    ("found", "given", "why"),
    [
        ("body ", "body", "'body ', which differs in blanks"),
        ("Body", "body", "'Body', which differs in case"),
        ("body\u200b", "body", "'body\\u200b', which differs in invisible characters"),
        ("caf\u00e9", "cafe\u0301", "'caf\\xe9', which differs in Unicode form"),
    ],
)
def test_a_column_whose_name_only_looks_like_the_given_one_is_told_with_the_difference(read, found, given, why):
    says(said(read, [{found: "x", "label": "a"}], text=given), why)


def test_renaming_a_label_that_no_row_has_lists_the_labels(read, rows):
    says(said(read, rows, label_names={"godo": "fine"}), "'godo'", "did you mean 'good'", "labels found: bad, good")


def test_a_list_of_strings_has_no_labels(columns):
    with pytest.raises(InputError, match="no label column"):
        load_split(["a text"], DataConfig(), columns, need_label=True)


def test_a_missing_file_is_said_by_open_rows_too(tmp_path):
    with pytest.raises(InputError, match=r"a\.csv does not exist"):
        next(iter(open_rows(tmp_path / "a.csv", DataConfig())))


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_a_number_of_more_digits_than_python_reads_is_told(write, read, kind):
    content = f'{{"text": "a", "label": {"9" * 5000}}}'
    says(said(read, write(f"a.{kind}", content)), f"a.{kind}", "more digits")


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_rows_that_are_nested_without_end_are_refused(tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    path.write_text('{"text": ' + "[" * 200_000 + "]" * 200_000 + "}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"lists or objects .* too deep"):
        list(open_rows(path, DataConfig()))
