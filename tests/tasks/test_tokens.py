"""How texts become features: cut, by head and tail, or in windows."""

from itertools import pairwise

import numpy as np
import pytest

from nlptl.core.errors import InputError
from nlptl.core.records import Example
from nlptl.tasks.parts import tokens
from tests import tiny

LONG = " ".join(tiny.WORDS * 2)


@pytest.fixture(params=tiny.FAMILIES)
def pretrained(request, tiny_folders):
    return tiny.load(tiny_folders[request.param], max_length=16)


def rows(*texts: str) -> list[Example]:
    return [Example(i, text) for i, text in enumerate(texts)]


def whole(pretrained, text: str) -> list[int]:
    return pretrained.tokenizer(text)["input_ids"]


def ids(pieces: tokens.Pieces) -> list[list[int]]:
    return [row.tolist() for row in pieces.ids]


def test_short_texts_are_the_same_by_every_strategy(pretrained):
    examples = rows("a good film", "bad")
    found = [ids(tokens.read(examples, pretrained, long, 4)) for long in ("truncate", "head+tail", "window")]
    assert found[0] == found[1] == found[2] == [whole(pretrained, e.text) for e in examples]


def test_truncation_keeps_the_beginning_and_says_how_long_the_text_was(pretrained):
    pieces = tokens.read(rows("bad", LONG), pretrained, "truncate", 0)
    full = whole(pretrained, LONG)
    assert [len(row) for row in pieces.ids] == [len(whole(pretrained, "bad")), 16]
    assert ids(pieces)[1][:14] == full[:14]
    assert ids(pieces)[1][-1] == full[-1]  # the end token
    assert pieces.full_lengths == [len(whole(pretrained, "bad")), len(full)]


def test_head_and_tail_keep_both_ends(pretrained):
    pieces = tokens.read(rows(LONG), pretrained, "head+tail", 0)
    full = whole(pretrained, LONG)
    assert ids(pieces) == [full[:4] + full[-12:]]
    assert pieces.full_lengths == [len(full)]


def test_windows_hold_every_token_and_share_the_overlap(pretrained):
    pieces = tokens.read(rows("bad", LONG, "good"), pretrained, "window", 5)
    special = set(pretrained.tokenizer.all_special_ids)
    content = [[t for t in row if t not in special] for row in ids(pieces)]
    assert pieces.example == sorted(pieces.example) and set(pieces.example) == {0, 1, 2}
    own = [c for c, example in zip(content, pieces.example, strict=True) if example == 1]
    joined = own[0] + [t for window in own[1:] for t in window[5:]]
    assert joined == [t for t in whole(pretrained, LONG) if t not in special]
    assert all(a[-5:] == b[:5] for a, b in pairwise(own))
    assert max(map(len, pieces.ids)) == 16
    assert pieces.full_lengths[1] == 16  # nothing is cut


def test_many_texts_are_windowed_as_each_alone(pretrained, monkeypatch):
    examples = [Example(i, e.text) for i, e in enumerate(tiny.examples(9, longest=40))]
    at_once = tokens.read(examples, pretrained, "window", 3)
    monkeypatch.setattr(tokens, "CHUNK", 2)
    in_parts = tokens.read(examples, pretrained, "window", 3)
    assert ids(at_once) == ids(in_parts)
    assert at_once.example == in_parts.example
    assert at_once.full_lengths == in_parts.full_lengths


def test_spans_point_at_the_characters_of_each_token(pretrained):
    text = "the film  is good"
    pieces = tokens.windows(rows(text), pretrained, 2, pairs=False)
    spans = [tuple(span) for span in pieces.spans[0].tolist()]
    covered = sorted({c for a, b in spans if a >= 0 for c in range(a, b)})
    assert covered == [i for i, c in enumerate(text) if c != " "]
    assert {"the", "good"} <= {text[a:d] for a, _ in spans for _, d in spans if a >= 0}
    n_special = sum(t in pretrained.tokenizer.all_special_ids for t in ids(pieces)[0])
    assert spans.count((-1, -1)) == n_special


def test_windows_of_pairs_repeat_the_first_text(pretrained):
    examples = [Example(0, "a good film", LONG)]
    pieces = tokens.windows(examples, pretrained, 2, pairs=True)
    first = pretrained.tokenizer("a good film", add_special_tokens=False)["input_ids"]
    assert len(pieces.ids) > 3
    for row, spans in zip(ids(pieces), pieces.spans, strict=True):
        assert any(row[i : i + len(first)] == first for i in range(3))
        assert all(LONG[a:b].strip() == LONG[a:b] for a, b in spans if a >= 0)
    covered = {int(c) for spans in pieces.spans for a, b in spans if a >= 0 for c in range(a, b)}
    assert covered == {i for i, c in enumerate(LONG) if c != " "}


def test_windows_share_at_most_half_of_what_fits(pretrained):
    room = 16 - pretrained.tokenizer.num_special_tokens_to_add()
    most, more = (tokens.read(rows(LONG), pretrained, "window", overlap) for overlap in (room // 2, 200))
    assert ids(most) == ids(more)


@pytest.mark.parametrize("long", ["head+tail", "window"])
def test_pairs_are_only_truncated(long, pretrained):
    with pytest.raises(InputError, match=rf"task\.long {long.replace('+', '.')} is for single texts"):
        tokens.read([Example(0, "a", "b")], pretrained, long, 2)


def test_no_rows_give_no_features(pretrained):
    found = tokens.read([], pretrained, "truncate", 0).features(np.zeros(0))
    assert len(found) == 0
