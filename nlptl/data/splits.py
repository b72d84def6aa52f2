"""Divides rows into parts: stratified, or in groups that stay together."""

import random
from collections.abc import Mapping, Sequence

LEAST_DIVIDED = 3
"""Labels with fewer rows stay in train."""

HELD_OUT = 0.15
"""Share of the rows that becomes validation, and the same for test, if the data has none."""


def divide(labels: Sequence[str | None], shares: Mapping[str, float], seed: int) -> dict[str, list[int]]:
    """Returns the positions of the rows in each part, ascending: the parts in `shares`, and "train" with all others.

    The rows of each label are shuffled by the seed and divided in the same proportion. Train keeps at least one row of
    every label, and all rows of a label with fewer than three, so no part has a label that train lacks.

    Args:
        labels: one per row.
        shares: the share of all rows, from 0 to 1, for each part except train.
        seed: the same seed gives the same parts.
    """
    groups: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        groups.setdefault(label or "", []).append(position)
    for label, group in groups.items():
        random.Random(f"divide {seed} {label}").shuffle(group)
    sizes = {label: len(group) for label, group in groups.items()}
    parts: dict[str, list[int]] = {}
    for part, share in shares.items():
        spare = {label: len(group) - 1 if sizes[label] >= LEAST_DIVIDED else 0 for label, group in groups.items()}
        quotas = _quotas(sizes, share, spare)
        parts[part] = sorted(groups[label].pop() for label, n in quotas.items() for _ in range(n))
    parts["train"] = sorted(position for group in groups.values() for position in group)
    return parts


def divide_groups(groups: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, list[int]]:
    """Returns the positions of the rows in each part, ascending, like `divide`; a group is always in one part.

    The groups are shuffled by the seed, and each part takes the groups that fit into its share, at least the smallest
    remaining one; train keeps at least one group.

    Args:
        groups: the group of each row.
        shares: the share of all rows, from 0 to 1, for each part except train.
        seed: the same seed gives the same parts.
    """
    members: dict[str, list[int]] = {}
    for position, group in enumerate(groups):
        members.setdefault(group, []).append(position)
    left = list(members)
    random.Random(f"divide groups {seed}").shuffle(left)
    parts: dict[str, list[int]] = {}
    for part, share in shares.items():
        sizes = {group: len(members[group]) for group in left}
        taken = _fitting(sizes, round(share * len(groups)))
        left = [group for group in left if group not in taken]
        parts[part] = sorted(position for group in taken for position in members[group])
    parts["train"] = sorted(position for group in left for position in members[group])
    return parts


def draw(n_rows: int, n: int, seed: int) -> list[int]:
    """Returns the first n positions of a seeded shuffle of n_rows, ascending."""
    order = list(range(n_rows))
    random.Random(f"draw {seed}").shuffle(order)
    return sorted(order[:n])


def draw_by_class(labels: Sequence[str], n: int, seed: int) -> list[int]:
    """Returns the first n positions of each label of a seeded shuffle, ascending; a larger n keeps those of a smaller.

    Args:
        labels: one per row.
        n: positions of each label; all if it has fewer.
        seed: the same seed gives the same positions.
    """
    groups: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        groups.setdefault(label, []).append(position)
    for label, group in groups.items():
        random.Random(f"draw {seed} {label}").shuffle(group)
    return sorted(position for group in groups.values() for position in group[:n])


def _fitting(sizes: Mapping[str, int], room: int) -> set[str]:
    if len(sizes) < 2:
        return set()
    taken: set[str] = set()
    for group, size in sizes.items():
        if size <= room and len(taken) < len(sizes) - 1:
            taken.add(group)
            room -= size
    return taken or {min(sizes, key=sizes.__getitem__)}


def _quotas(sizes: Mapping[str, int], share: float, spare: Mapping[str, int]) -> dict[str, int]:
    # Largest remainders: each label gets its quota rounded down; those that lost most by rounding get one more.
    quotas = {label: min(int(share * n), spare[label]) for label, n in sizes.items()}
    missing = round(share * sum(sizes.values())) - sum(quotas.values())
    open_labels = [label for label in sizes if quotas[label] < spare[label]]
    open_labels.sort(key=lambda label: (quotas[label] - share * sizes[label], label))
    for label in open_labels[: max(missing, 0)]:
        quotas[label] += 1
    return quotas
