"""Words and their tags, in every schema."""

import json

import pytest

from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.data import fingerprint, load_split
from nlptl.tasks.token_classification import TokenClassification


def said(call, *args, **settings):
    with pytest.raises(InputError) as caught:
        call(*args, **settings)
    return str(caught.value)


def bio(rows_as, *tags, **settings):
    """Reads rows with these tags and returns how they come out."""
    rows = [{"tokens": ["w"] * len(row.split()), "tags": row.split()} for row in tags]
    return [" ".join(e.label) for e in rows_as("tags", rows, **settings)]


def noted(read_as, tags, **settings):
    """Trains on rows with these tags, and returns the notes on them."""
    rows = [{"tokens": [f"w{i}"] * len(row.split()), "tags": row.split()} for i, row in enumerate(tags)]
    corpus = read_as("tags", rows, validation=[{"tokens": ["x"], "tags": ["O"]}], **settings)
    return [note for note in corpus.notes if "tags" in note]


@pytest.mark.parametrize(
    ("cell", "text", "words"),
    [
        (["A", "bc", "."], "A bc .", [(0, 1), (2, 4), (5, 6)]),
        (["New York", "x"], "New York x", [(0, 8), (9, 10)]),
        ('["a", "b"]', "a b", [(0, 1), (2, 3)]),
        ("['a', \"b'c\"]", "a b'c", [(0, 1), (2, 5)]),
        ("  two  words\n", "  two  words\n", [(2, 5), (7, 12)]),
        ("[1] and [2]", "[1] and [2]", [(0, 1), (1, 2), (2, 3), (4, 7), (8, 9), (9, 10), (10, 11)]),
        ("[1, 2]", "[1, 2]", [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6)]),
        (["a", 7], "a 7", [(0, 1), (2, 3)]),
        (["a", "", "b"], "a  b", [(0, 1), (2, 2), (3, 4)]),
        ([], "", []),
        ("", "", []),
        (None, "", []),
        ("naïve 😀 x", "naïve 😀 x", [(0, 5), (6, 7), (8, 9)]),
    ],
)
def test_words_know_where_they_stand_in_the_text(rows_as, cell, text, words):
    (example,) = rows_as("tags", [{"tokens": cell}], need_label=False)
    assert (example.text, example.words, example.label) == (text, tuple(words), None)


def test_strings_alone_can_be_tagged(by_kind):
    assert load_split(["good film", ""], DataConfig(), by_kind["tags"], need_label=False) == [
        Example(0, "good film", words=((0, 4), (5, 9))),
        Example(1, "", words=()),
    ]


def test_a_list_of_words_with_a_gap_is_said(rows_as):
    assert "row 0: a word in the list is missing" in said(
        rows_as, "tags", [{"tokens": ["a", None], "tags": ["O", "O"]}]
    )


def test_a_list_without_commas_is_said(rows_as):
    assert "without commas, as numpy writes it" in said(rows_as, "tags", [{"tokens": "['a' 'b']", "tags": "O O"}])


@pytest.mark.parametrize("cell", [["O", "B-x"], "O B-x", '["O", "B-x"]', "['O', 'B-x']", ("O", "B-x")])
def test_tags_are_lists_or_strings(rows_as, cell):
    assert rows_as("tags", [{"tokens": ["a", "b"], "tags": cell}])[0].label == ("O", "B-x")


def test_tags_that_do_not_fit_the_words_give_the_row_and_both_numbers(rows_as):
    rows = [{"tokens": ["a"], "tags": ["O"]}, {"tokens": ["a", "b", "c"], "tags": ["O", "O"]}]
    message = said(rows_as, "tags", rows)
    assert "row 1: found 2 tags for 3 words ('a b c'); each word needs one" in message


def test_empty_lists_beside_words_are_missing_tags_not_entities(rows_as):
    assert "found 0 tags for 1 words" in said(rows_as, "tags", [{"tokens": ["a"], "tags": []}])


@pytest.mark.parametrize("cell", [7, {"a": 1}])
def test_what_are_no_tags_is_said(rows_as, cell):
    assert "row 0: found" in said(rows_as, "tags", [{"tokens": ["a"], "tags": cell}])


def test_a_gap_among_the_tags_is_said(rows_as):
    assert "row 0: a tag in the list is missing" in said(rows_as, "tags", [{"tokens": ["a", "b"], "tags": ["O", None]}])


def test_rows_without_tags_have_no_label(rows_as):
    rows = [{"tokens": ["a"], "tags": ["O"]}, {"tokens": ["a"], "tags": None}]
    assert "1 of 2 rows have no label (row 1)" in said(rows_as, "tags", rows)


def test_good_bio_stays_as_it_is_and_is_not_noted(rows_as, read_as):
    tags = ["B-PER I-PER O B-LOC B-LOC I-LOC", "O O"]
    assert bio(rows_as, *tags) == tags
    assert noted(read_as, tags) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("I-PER I-PER O I-PER", "B-PER I-PER O B-PER"),
        ("B-PER I-LOC I-LOC", "B-PER B-LOC I-LOC"),
        ("S-PER O B-LOC E-LOC", "B-PER O B-LOC I-LOC"),
        ("U-PER B-LOC I-LOC L-LOC", "B-PER B-LOC I-LOC I-LOC"),
        ("B-PER E-PER I-PER", "B-PER I-PER B-PER"),
        ("O E-PER", "O B-PER"),
        ("S-PER I-PER", "B-PER B-PER"),
        ("B-PER U-PER B-PER S-PER", "B-PER B-PER B-PER B-PER"),
        ("B-a-b I-a-b", "B-a-b I-a-b"),
        ("PER PER O LOC PER", "B-PER I-PER O B-LOC B-PER"),
        ("NN VB VB", "B-NN B-VB I-VB"),
    ],
)
def test_other_schemas_and_broken_runs_become_bio(rows_as, given, expected):
    assert bio(rows_as, given) == [expected]


def test_repaired_tags_are_counted(read_as):
    (note,) = noted(read_as, ["I-PER I-PER O I-LOC", "B-PER O", "O I-LOC"])
    assert note.startswith("train (the list): 3 tags repaired") and "became B-x" in note


def test_iobes_is_counted(read_as):
    (note,) = noted(read_as, ["S-PER O B-LOC E-LOC", "B-PER"])
    assert note.startswith("train (the list): 2 tags of IOBES or BILOU")


def test_names_without_a_prefix_are_counted(read_as):
    (note,) = noted(read_as, ["PER PER O", "LOC"])
    assert note.startswith("train (the list): 3 tags without a prefix")


def test_one_schema_holds_for_all_splits(read_as):
    train = [{"tokens": ["a"], "tags": ["PER"]}, {"tokens": ["b"], "tags": ["O"]}]
    corpus = read_as("tags", train, validation=[{"tokens": ["c", "d"], "tags": ["PER", "PER"]}])
    assert corpus.splits["validation"][0].label == ("B-PER", "I-PER")


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (["B-PER I-PER O", "X-PER"], ["row 1", "expected the tags O, B-x and I-x", "'X-PER' (1 time)", "-PER'?)"]),
        (["B-PER b-PER"], ["'b-PER'", "did you mean 'B-PER'"]),
        (["B-PER PERS"], ["'PERS'", "rename it with data.label_names"]),
        (["B_PER I_PER O"], ["'B_PER'", "did you mean 'B-PER'"]),
        (["3 4 0"], ["'3'", "numbers need names: --data.label_names", '"1": "B-PER"']),
        (["-100 B-PER"], ["'-100'", "numbers need names"]),
    ],
)
def test_unknown_prefixes_are_named_with_the_nearest(rows_as, tags, words):
    message = said(bio, rows_as, *tags)
    assert [word for word in words if word not in message] == [], message


def test_numbers_are_tags_once_they_have_names(rows_as):
    assert bio(rows_as, "1 2 0", label_names={0: "O", 1: "B-PER", 2: "I-PER"}) == ["B-PER I-PER O"]


def test_an_entity_type_is_renamed_behind_its_prefix(read_as):
    train = [{"tokens": ["a", "b"], "tags": ["B-per", "I-per"]}, {"tokens": ["c"], "tags": ["O"]}]
    corpus = read_as("tags", train, validation=train, label_names={"per": "PER"})
    assert corpus.splits["train"][0].label == ("B-PER", "I-PER")
    assert "labels found: B-per, I-per, O, per" in said(
        read_as, "tags", train, validation=train, label_names={"x": "y"}
    )


def test_lists_of_class_ids_get_their_declared_tags(read_as):
    import datasets

    names = datasets.ClassLabel(names=["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(names)}
    )
    rows = {"tokens": [["a", "b"]] * 20, "ner_tags": [[1, 2] if i % 2 else [0, 3] for i in range(20)]}
    corpus = read_as("tags", datasets.Dataset.from_dict(rows, features=features))
    assert corpus.label_names == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert {e.label for e in corpus.splits["train"]} == {("B-PER", "I-PER"), ("O", "B-LOC")}


def test_parquet_keeps_lists_and_their_names(rows_as, tmp_path):
    import datasets

    names = datasets.ClassLabel(names=["O", "B-PER"])
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(names)}
    )
    rows = datasets.Dataset.from_dict({"tokens": [["a", "b"]], "ner_tags": [[0, 1]]}, features=features)
    rows.to_parquet(tmp_path / "a.parquet")
    assert rows_as("tags", tmp_path / "a.parquet") == [Example(0, "a b", None, ("O", "B-PER"), ((0, 1), (2, 3)))]


def test_declared_names_without_a_prefix_become_bio_too(read_as):
    import datasets

    names = datasets.ClassLabel(names=["LOC", "O", "PER"])
    features = datasets.Features(
        {"tokens": datasets.Sequence(datasets.Value("string")), "tags": datasets.Sequence(names)}
    )
    rows = {"tokens": [["a", "b"]] * 20, "tags": [[2, 2] if i % 2 else [1, 0] for i in range(20)]}
    corpus = read_as("tags", datasets.Dataset.from_dict(rows, features=features))
    assert corpus.label_names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def test_train_without_any_entity_is_an_error(read_as):
    train = [{"tokens": ["a"], "tags": ["O"]}] * 20
    assert "all 14 rows have no entity" in said(read_as, "tags", train)


def test_an_entity_type_that_training_lacks_is_named(read_as):
    train = [{"tokens": ["a"], "tags": ["B-PER"]}, {"tokens": ["b"], "tags": ["O"]}]
    message = said(read_as, "tags", train, test=[{"tokens": ["c"], "tags": ["B-PERS"]}], validation=train)
    assert message.startswith("test (the list): 1 of 1 rows have entity types") and "'PERS' (1 row)" in message
    assert "(did you mean 'PER'?); entity types of train (the list): PER" in message


def test_words_are_dropped_or_refused_where_a_row_has_none(read_as):
    train = [{"tokens": [f"w{i}"] if i else [], "tags": ["B-x"] if i else []} for i in range(20)]
    assert "1 of 20 rows have a blank text (row 0)" in said(read_as, "tags", train)
    assert sum(map(len, read_as("tags", train, blank="drop").splits.values())) == 19


def test_a_lone_file_keeps_rare_entity_types_in_train(read_as):
    train = [{"tokens": [f"w{i}"], "tags": ["B-once" if i == 7 else "B-often" if i % 3 else "O"]} for i in range(60)]
    for seed in range(10):
        corpus = read_as("tags", train, seed=seed)
        assert any(e.label == ("B-once",) for e in corpus.splits["train"])
    assert any("stratified by each row's rarest entity type" in note for note in corpus.notes)


def test_fingerprints_differ_where_words_or_tags_do():
    text = {"row_id": 0, "text": "a b"}
    variants = [
        Example(**text),
        Example(**text, words=()),
        Example(**text, words=((0, 1), (2, 3))),
        Example(**text, words=((0, 3),)),
        Example(**text, words=((0, 3),), label=("O",)),
        Example(**text, words=((0, 3),), label=("B-x",)),
    ]
    assert len({fingerprint([e]) for e in variants}) == len(variants)


def test_punctuation_of_new_texts_is_words_of_its_own_and_of_tagged_texts_is_not():
    columns = TokenClassification.columns
    text = "\"Mira Holt (of St. Ives), O'Neill's 3.5-ton truck...\""
    new = load_split([{"text": text}], DataConfig(), columns, need_label=False)[0]
    words = [text[a:b] for a, b in new.words]
    assert words == [
        '"',
        "Mira",
        "Holt",
        "(",
        "of",
        "St",
        ".",
        "Ives",
        ")",
        ",",
        "O'Neill's",
        "3.5-ton",
        "truck",
        *'..."',
    ]
    tagged = load_split([{"text": "At St. Ives.", "tags": "O B-L I-L"}], DataConfig(), columns, need_label=True)[0]
    assert [tagged.text[a:b] for a, b in tagged.words] == ["At", "St.", "Ives."]


def test_repairs_of_new_rows_are_told_as_those_of_training(tmp_path, caplog):
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps({"tokens": ["Mira", "Holt", "sings"], "tags": ["I-PER", "I-PER", "O"]}) + "\n")
    columns = TokenClassification().columns
    (example,) = load_split(path, DataConfig(), columns, need_label=True)
    assert example.label == ("B-PER", "I-PER", "O")
    assert [record.name for record in caplog.records] == ["nlptl"]
    assert "new.jsonl" in caplog.text
