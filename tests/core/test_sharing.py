"""Within a block a value is computed once; outside of one, every time."""

from nlptl.core import sharing


def made(calls, *follows_from):
    return sharing.once("list", follows_from, lambda: calls.append(follows_from) or [len(calls)])


def test_outside_of_a_block_nothing_is_kept():
    calls = []
    assert made(calls, 1) is not made(calls, 1)
    assert len(calls) == 2


def test_within_a_block_equal_reasons_have_one_value():
    calls = []
    with sharing.shared():
        first = made(calls, "a", 1)
        assert made(calls, "a", 1) is first
        assert made(calls, "a", 2) is not first
        with sharing.shared():
            assert made(calls, "a", 1) is first
    assert made(calls, "a", 1) is not first
    assert len(calls) == 3


def test_another_kind_of_value_is_another_value():
    with sharing.shared():
        assert sharing.once("x", [1], lambda: 1) == 1
        assert sharing.once("y", [1], lambda: 2) == 2


def test_lists_are_compared_by_identity_also_after_they_are_gone():
    calls = []
    with sharing.shared():
        for i in range(50):
            made(calls, [i])  # without the list kept, the next one might lie in the same place
        rows = [0]
        assert made(calls, rows) is made(calls, rows)
    assert len(calls) == 51


def test_the_value_not_asked_for_longest_goes_first():
    calls = []
    with sharing.shared():
        for i in range(sharing.MOST_KEPT + 1):
            made(calls, i)
            made(calls, 0)
        made(calls, 1)
    assert calls[-1] == (1,)
    assert calls.count((0,)) == 1
