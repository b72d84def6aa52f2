"""Entities with character offsets become words and tags."""

import json

import pytest

from nlptl.core.errors import InputError

TEXT = "Ann lives in New York."
ENTITIES = [{"start": 0, "end": 3, "label": "PER"}, {"start": 13, "end": 21, "label": "LOC"}]
WORDS = ["Ann", "lives", "in", "New", "York", "."]
TAGS = ("B-PER", "O", "O", "B-LOC", "I-LOC", "O")


def said(call, *args, **settings):
    with pytest.raises(InputError) as caught:
        call(*args, **settings)
    return str(caught.value)


def words_of(example):
    return [example.text[start:end] for start, end in example.words]


def refused(rows_as, *entities, text=TEXT):
    rows = [{"text": TEXT, "entities": ENTITIES}, {"text": text, "entities": list(entities)}]
    return said(rows_as, "tags", rows)


@pytest.mark.parametrize(
    "cell",
    [
        {"entities": ENTITIES},
        {"spans": ENTITIES[::-1]},
        {"labels": [[0, 3, "PER"], [13, 21, "LOC"]]},
        {"entities": [{"start_offset": e["start"], "end_offset": e["end"], "type": e["label"]} for e in ENTITIES]},
        {"entities": json.dumps(ENTITIES)},
        {"entities": str(ENTITIES)},
        {"entities": [(0.0, 3.0, "PER"), (13, 21, "LOC")]},
    ],
)
def test_every_layout_gives_the_same_words_and_tags(rows_as, cell):
    (example,) = rows_as("tags", [{"text": TEXT, **cell}])
    assert example.text == TEXT
    assert (words_of(example), example.label) == (WORDS, TAGS)


def test_words_are_split_where_entities_begin_and_end(rows_as):
    text = "(Paris-based)/Lyon2"
    entities = [[1, 6, "LOC"], [14, 18, "LOC"]]
    (example,) = rows_as("tags", [{"text": text, "entities": entities}])
    assert words_of(example) == ["(", "Paris", "-based)/", "Lyon", "2"]
    assert example.label == ("O", "B-LOC", "O", "B-LOC", "O")


def test_entities_side_by_side_stay_two(rows_as):
    (example,) = rows_as("tags", [{"text": "ab cd", "entities": [[0, 1, "x"], [1, 2, "x"], [3, 5, "x"]]}])
    assert words_of(example) == ["a", "b", "cd"]
    assert example.label == ("B-x", "B-x", "B-x")


def test_white_space_at_the_border_of_an_entity_is_no_word(rows_as):
    (example,) = rows_as("tags", [{"text": "in  New York now", "entities": [[3, 13, "LOC"]]}])
    assert words_of(example) == ["in", "New", "York", "now"]
    assert example.label == ("O", "B-LOC", "I-LOC", "O")


def test_empty_lists_are_rows_without_entities(rows_as):
    examples = rows_as("tags", [{"text": "a b", "entities": []}, {"text": TEXT, "entities": ENTITIES}])
    assert examples[0].label == ("O", "O")
    assert rows_as("tags", [{"text": "a b", "entities": []}])[0].label == ("O", "O")


def test_an_entity_that_names_its_text_is_moved_to_the_only_place_that_has_it(read_as):
    shifted = {"start": 14, "end": 22, "label": "LOC", "text": "New York"}
    train = [{"text": TEXT, "entities": [ENTITIES[0], shifted]}, {"text": "no one", "entities": []}]
    corpus = read_as("tags", train, validation=train[:1])
    assert corpus.splits["train"][0].label == TAGS
    notes = [note for note in corpus.notes if "repaired" in note]
    assert [note.partition(" repaired")[0] for note in notes] == [
        f"{split} (the list), column 'entities': 1 entities" for split in ("train", "validation")
    ]


def test_an_entity_whose_text_is_at_its_offsets_is_not_noted(read_as):
    train = [{"text": TEXT, "entities": [{**ENTITIES[0], "text": "Ann"}]}, {"text": "no one", "entities": []}]
    assert not any("repaired" in note for note in read_as("tags", train, validation=train[:1]).notes)


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        ([13, 23, "LOC"], ["'LOC' from 13 to 23 lies outside the text", "22 characters"]),
        ([-1, 3, "PER"], ["from -1 to 3 lies outside"]),
        ([3, 3, "PER"], ["from 3 to 3 lies outside"]),
        ([5, 3, "PER"], ["from 5 to 3 lies outside"]),
        ([3, 4, "PER"], ["is only white space"]),
        ([0, 3], ["found the entity [0, 3]", "expected"]),
        ({"start": 0, "label": "PER"}, ["found the entity", '"end": 5']),
        ({"start": 0, "end": "x", "label": "PER"}, ["found the entity"]),
        ({"start": float("nan"), "end": 3, "label": "PER"}, ["found the entity"]),
        ({"start": 0, "end": 3, "label": None}, ["found the entity"]),
        ({"start": 0, "end": 3, "label": "PER", "text": "Bob"}, ["'Bob'", "where the text has 'Ann'", "nowhere"]),
        ({"start": 0, "end": 1, "label": "PER", "text": "n"}, ["more than once"]),
        ("B-PER", ["found the entity 'B-PER'"]),
    ],
)
def test_entities_that_cannot_be_placed_name_the_row(rows_as, entity, words):
    message = refused(rows_as, entity)
    assert [word for word in ["row 1", *words] if word not in message] == [], message


def test_overlapping_entities_name_the_row_and_both(rows_as):
    message = refused(rows_as, [13, 21, "LOC"], [17, 22, "ORG"])
    assert "row 1: the entities 'New York' (LOC, 13 to 21) and 'York.' (ORG, 17 to 22) overlap" in message


def test_a_cell_that_is_no_list_is_said(rows_as):
    rows = [{"text": TEXT, "entities": ENTITIES}, {"text": TEXT, "entities": "PER"}]
    assert "row 1: found 'PER', expected a list of entities" in said(rows_as, "tags", rows)


def test_character_offsets_need_a_text_not_a_list_of_words(rows_as):
    message = said(rows_as, "tags", [{"tokens": ["Ann", "lives"], "entities": ENTITIES[:1]}])
    assert "need the text as one string, found a list of words; name the column of the text with --data.text" in message


def test_a_row_whose_entities_are_missing_has_no_label(rows_as):
    rows = [{"text": TEXT, "entities": ENTITIES}, {"text": TEXT, "entities": None}]
    assert "1 of 2 rows have no label (row 1)" in said(rows_as, "tags", rows)
    assert [e.label for e in rows_as("tags", rows, need_label=False)] == [None, None]


def test_entity_types_are_renamed(rows_as):
    (example,) = rows_as("tags", [{"text": TEXT, "entities": ENTITIES}], label_names={"PER": "person"})
    assert example.label[0] == "B-person"
