"""Which rows share an update, and how they become flat batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nlptl.core.records import Features
from nlptl.engine.batching import Order, collate, micro_batches, rows_of, share, token_index

LENGTHS = np.random.default_rng(0).integers(1, 30, 50)


def features(*, types: bool = False) -> Features:
    n_tokens = int(LENGTHS.sum())
    return Features(
        input_ids=np.arange(n_tokens, dtype=np.int32),
        token_type_ids=np.arange(n_tokens).astype(np.int8) % 2 if types else None,
        offsets=np.cumsum([0, *LENGTHS]),
        example=np.arange(50),
        labels=np.arange(50) % 3,
        full_lengths=LENGTHS,
    )


def test_every_row_comes_once_an_epoch():
    for epoch in range(3):
        found = Order(50, 8, 1).updates(epoch)
        assert [len(rows) for rows in found] == [8] * 6 + [2]
        assert sorted(np.concatenate(found)) == list(range(50))


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(Order(50, 8, seed).updates(epoch)).tolist()

    first = order(1, 2)
    np.random.seed(5)
    torch.manual_seed(5)
    order(7, 7)
    assert order(1, 2) == first
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def test_the_batch_size_does_not_change_the_order():
    assert np.array_equal(np.concatenate(Order(50, 7, 1).updates(0)), np.concatenate(Order(50, 50, 1).updates(0)))


def test_length_does_not_decide_who_shares_an_update():
    means = [LENGTHS[rows].mean() for rows in Order(50, 10, 0).updates(0)]
    assert max(means) < LENGTHS.mean() + 2 * LENGTHS.std() / np.sqrt(10)


def test_examples_are_drawn_in_proportion_where_that_is_asked_for():
    draw = np.array([9.0, 1.0, 0.0] * 1000)
    drawn = np.concatenate(Order(3000, 32, 0, draw).updates(0)) % 3
    assert len(drawn) == 3000
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 3000, [0.9, 0.1, 0.0], atol=0.02)
    again = np.concatenate(Order(3000, 32, 0, draw).updates(0)) % 3
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, np.concatenate(Order(3000, 32, 0, draw).updates(1)) % 3)


def test_all_features_of_an_example_come_together():
    found = replace(features(), example=np.repeat(np.arange(20), [1, 2, 3, 4] * 5), full_lengths=np.ones(20))
    assert rows_of(np.array([3, 0, 2]), found).tolist() == [6, 7, 8, 9, 0, 3, 4, 5]
    assert sorted(rows_of(np.arange(20), found)) == list(range(50))


@pytest.mark.parametrize("n_processes", [1, 2, 3, 8, 60])
def test_the_processes_divide_an_update_among_them(n_processes):
    rows = Order(50, 30, 0).updates(0)[0]
    shares = [share(rows, LENGTHS, rank, n_processes) for rank in range(n_processes)]
    assert sorted(np.concatenate(shares)) == sorted(rows)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all((np.diff(LENGTHS[s]) >= 0).all() for s in shares)


@pytest.mark.parametrize("n_processes", [2, 4])
def test_no_process_has_the_longer_rows(n_processes):
    lengths = np.arange(1, 65)
    shares = [share(np.arange(64), lengths, rank, n_processes) for rank in range(n_processes)]
    assert len({int(lengths[own].sum()) for own in shares}) == 1


@pytest.mark.parametrize("padded", [False, True], ids=["packed", "padded"])
@pytest.mark.parametrize("most", [1, 29, 60, 10_000])
def test_micro_batches_keep_the_order_and_the_bound(most, padded):
    rows = np.argsort(LENGTHS, kind="stable")
    found = list(micro_batches(rows, LENGTHS, most, padded=padded))
    assert np.array_equal(np.concatenate(found), rows)
    for part in found:
        tokens = LENGTHS[part].max() * len(part) if padded else LENGTHS[part].sum()
        assert tokens <= most or len(part) == 1
    if most == 10_000:
        assert len(found) == 1


def test_micro_batches_are_as_large_as_the_bound_lets_them_be():
    rows = np.arange(10)
    found = list(micro_batches(rows, np.full(10, 5), 20, padded=False))
    assert [len(part) for part in found] == [4, 4, 2]


@pytest.mark.parametrize("types", [False, True])
def test_a_batch_holds_the_rows_tokens_in_the_given_order(types):
    found, rows = features(types=types), np.array([40, 3, 17, 3])
    batch = collate(found, rows, torch.device("cpu"))
    tokens = [t for row in rows for t in range(found.offsets[row], found.offsets[row + 1])]
    assert batch.input_ids.tolist() == tokens
    assert batch.input_ids.dtype == torch.int64
    assert (None if batch.token_type_ids is None else batch.token_type_ids.tolist()) == (
        (np.array(tokens).astype(np.int8) % 2).tolist() if types else None
    )
    assert (batch.lengths.tolist(), batch.labels.tolist()) == (LENGTHS[rows].tolist(), (rows % 3).tolist())
    assert batch.rows.tolist() == rows.tolist()
    assert token_index(found, rows).tolist() == tokens
