"""BIO tags and their entities, against seqeval, which reads tags as conlleval does."""

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities

from nlptl.core.bio import as_bio, entities, tags_of, types_in


def rows(names):
    random = np.random.default_rng(0)
    return [random.choice(names, random.integers(0, 12)).tolist() for _ in range(500)]


@pytest.mark.parametrize("prefixes", ["BI", "BIES"])
def test_entities_are_those_of_seqeval_also_in_tags_of_any_order(prefixes):
    names = ["O", *(f"{prefix}-{name}" for prefix in prefixes for name in ("LOC", "PER", "co-op"))]
    for tags in rows(names):
        assert [tuple(entity) for entity in entities(tags)] == get_entities(tags), tags


@pytest.mark.parametrize(
    ("tags", "bio"),
    [
        (["I-PER", "I-PER", "I-LOC"], ["B-PER", "I-PER", "B-LOC"]),
        (["O", "I-PER", "B-PER", "I-PER"], ["O", "B-PER", "B-PER", "I-PER"]),
        (["B-PER", "E-PER", "I-PER", "S-PER", "L-PER"], ["B-PER", "I-PER", "B-PER", "B-PER", "B-PER"]),
        (["U-PER", "O", "B-PER", "L-PER"], ["B-PER", "O", "B-PER", "I-PER"]),
        ([], []),
    ],
)
def test_tags_of_other_schemes_become_bio_and_an_inside_tag_that_continues_nothing_begins(tags, bio):
    assert as_bio(tags) == bio
    assert as_bio(bio) == bio


def test_the_types_of_tags_give_all_their_tags():
    types = types_in(["I-PER", "O", "B-LOC", "B-PER"])
    assert types == ("LOC", "PER")
    assert tags_of(types) == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
