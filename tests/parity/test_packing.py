"""Packed equals padded: logits and gradients of transformers' own classes on padded rows, and pooling by hand."""

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional

from nlptl.methods.full import Full
from nlptl.models.packing import Packing
from nlptl.models.pooled import pool
from tests import tiny

ROWS = [row for words in (1, 60, 2, 31, 3, 59, 8, 30) for row in tiny.examples(1, seed=words, longest=words)]
ROWS += tiny.examples(8, longest=55, seed=9)
ORDERS = {
    "as they come": lambda lengths: np.arange(len(lengths)),
    "shortest first": np.argsort,
    "longest first": lambda lengths: np.argsort(-lengths),
    "random": lambda lengths: np.random.default_rng(0).permutation(len(lengths)),
    "alone": lambda lengths: np.array([int(np.argmax(lengths))]),
}
orders = pytest.mark.parametrize("order", ORDERS)
encoders = pytest.mark.parametrize("family", ["bert", "roberta"])
pairs = pytest.mark.parametrize("pair", [False, True], ids=["single", "pair"])


def rows_and_order(pretrained, order: str, pair: bool):
    rows = tiny.with_pair(ROWS) if pair else ROWS
    return rows, ORDERS[order](tiny.features(pretrained, rows).lengths)


def padded(pretrained, rows, chosen):
    """Returns what transformers' own collation makes of the rows."""
    texts = [rows[i].text for i in chosen]
    second = [rows[i].text_pair for i in chosen] if rows[0].text_pair else None
    return pretrained.tokenizer(
        texts,
        second,
        padding=True,
        truncation="longest_first",
        max_length=pretrained.config.max_length,
        return_tensors="pt",
    )


def plain(pretrained, folder):
    """Returns the same weights in transformers' own class, with its own eager attention."""
    pretrained.module.net.save_pretrained(folder)
    auto = transformers.AutoModelForSequenceClassification
    return auto.from_pretrained(folder, attn_implementation="eager").eval()


@pairs
@orders
@encoders
def test_packed_logits_are_those_of_the_padded_transformers_model(folder, order, pair, tmp_path):
    pretrained = tiny.prepared(folder, Full())
    rows, chosen = rows_and_order(pretrained, order, pair)
    batch = tiny.batch(pretrained, rows, chosen)
    assert len(chosen) == 1 or int(batch.lengths.max()) > 5 * int(batch.lengths.min())
    with torch.no_grad():
        found = pretrained.module.eval()(batch)
        expected = plain(pretrained, tmp_path)(**padded(pretrained, rows, chosen)).logits
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert len(chosen) == 1 or expected.std(0).min() > 0.05  # rows differ, so a mix-up would show


@pairs
@orders
@encoders
def test_packed_gradients_are_those_of_the_padded_transformers_model(folder, order, pair, tmp_path):
    pretrained = tiny.prepared(folder, Full())
    rows, chosen = rows_and_order(pretrained, order, pair)
    other = plain(pretrained, tmp_path)
    batch = tiny.batch(pretrained, rows, chosen)
    functional.cross_entropy(pretrained.module.eval()(batch), batch.labels, reduction="sum").backward()
    functional.cross_entropy(other(**padded(pretrained, rows, chosen)).logits, batch.labels, reduction="sum").backward()
    theirs = {name: p.grad for name, p in other.named_parameters()}
    ours = {name: p.grad for name, p in pretrained.module.net.named_parameters()}
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(
            gradient, theirs[name], rtol=1e-3, atol=2e-5, msg=lambda m, name=name: f"{name}: {m}"
        )


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@orders
def test_pooled_logits_are_those_computed_by_hand_from_padded_states(folder, family, order, pooling):
    pretrained = tiny.prepared(folder, Full(), pooling)
    rows, chosen = rows_and_order(pretrained, order, pair=False)
    auto = transformers.T5EncoderModel if family == "t5" else transformers.AutoModel
    encoder = auto.from_pretrained(folder, attn_implementation="eager").eval()
    encoded = padded(pretrained, rows, chosen)
    with torch.no_grad():
        states, mask = encoder(**encoded).last_hidden_state, encoded["attention_mask"][:, :, None].float()
        vectors = {
            "mean": (states * mask).sum(1) / mask.sum(1),
            "cls": states[:, 0],
            "max": states.masked_fill(mask == 0, -torch.inf).amax(1),
        }[pooling]
        head = pretrained.module.net.classifier
        expected = vectors @ head.weight.T + head.bias
        found = pretrained.module.eval()(tiny.batch(pretrained, rows, chosen))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@orders
def test_t5_logits_are_those_of_the_padded_transformers_model(tiny_folders, order, tmp_path):
    pretrained = tiny.prepared(tiny_folders["t5"], Full())
    rows, chosen = rows_and_order(pretrained, order, pair=False)
    with torch.no_grad():
        found = pretrained.module.eval()(tiny.batch(pretrained, rows, chosen))
        expected = plain(pretrained, tmp_path)(**padded(pretrained, rows, chosen)).logits
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_a_row_does_not_see_its_neighbours(folder):
    pretrained = tiny.prepared(folder, Full())
    alone = torch.cat([tiny.logits(pretrained, [row]) for row in ROWS])
    torch.testing.assert_close(tiny.logits(pretrained, ROWS), alone, rtol=0, atol=1e-5)


LENGTHS = [[1], [5, 5, 5], [1, 2, 3, 4, 5, 6, 7, 8], [3, 60, 1, 1, 59, 4], [60, 1], [32] * 3, [31, 32, 33], [200, 7, 1]]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_a_token_sees_its_own_sequence_and_no_other(lengths):
    packing = Packing(tiny.sequences(lengths))
    places, n_places = packing.rows.places, sum(g.n * g.width for g in packing.rows.groups)
    assert len(places) == len(places.unique()) == sum(lengths) + packing.n_empty
    sees = torch.block_diag(*(blocks(group) for group in packing.rows.groups))
    assert sees.shape == (n_places, n_places)
    assert sees.any(1).all()  # whatever sees nothing is no number
    sequence = torch.arange(len(lengths) + 1).repeat_interleave(torch.tensor([*lengths, packing.n_empty]))
    assert torch.equal(sees[places][:, places], sequence[:, None] == sequence)
    # What lies in no place is empty, and no token sees it.
    empty = torch.ones(n_places, dtype=torch.bool).index_fill_(0, places, False)
    assert not sees[places][:, empty].any()


def blocks(group):
    """Returns which place of a group's rows sees which, (n * width, n * width)."""
    mask = torch.zeros(1, 1, 1, 1) if group.mask is None else group.mask
    return torch.block_diag(*(mask == 0)[:, 0].expand(group.n, group.width, group.width))


def test_short_sequences_share_rows_and_longer_ones_of_like_length_a_call():
    groups = Packing(tiny.sequences([10, 11, 21, 6, 16, 50, 54, 120])).rows.groups
    assert [(g.n, g.width) for g in groups] == [(2, 32), (2, 54), (1, 120)]


def test_values_laid_in_rows_come_back_flat():
    packing = Packing(tiny.sequences([3, 60, 1, 1, 59, 4]))
    x = torch.randn(128 + packing.n_empty, 2, 3)
    assert torch.equal(packing.rows.flat(packing.rows.laid(x)), x)


def test_mean_pooling_is_computed_in_float32():
    states = torch.randn(600, 4).bfloat16()
    found = pool(states, torch.tensor([0, 600]), "mean")
    assert found.dtype == torch.float32
    torch.testing.assert_close(found[0], states.double().mean(0).float())
