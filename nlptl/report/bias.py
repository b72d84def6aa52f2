"""The tables of scores by group, and of swapped words."""

from rich.table import Table

from nlptl.core.bias import Groups, Swaps
from nlptl.report.tables import headed, interval
from nlptl.report.voice import cell

MOST_SHOWN = 5


def groups(found: Groups) -> Table:
    """Returns the score of each group."""
    table = headed(f"by {found.column}", (found.column, "rows", found.metric, "95 % interval"))
    for group in found.groups:
        table.add_row(cell(group.name), f"{group.n:,}", f"{group.score.value:.4f}", interval(group.score))
    return table


def gap(found: Groups) -> str:
    """Returns the largest gap in words."""
    if found.gap is None:
        return f"none: fewer than two groups have at least {found.least} rows"
    own = found.gap
    few = sum(group.n < found.least for group in found.groups)
    left_out = f"; {few} groups with fewer than {found.least} rows are left out" if few else ""
    return (
        f"{own.best} minus {own.worst}: {own.difference.value:+.4f} ({interval(own.difference, signed=True)}), "
        f"p = {own.p:.3f} for a gap this large between groups formed by chance{left_out}"
    )


def swaps(found: Swaps) -> Table:
    """Returns what changes when words are swapped."""
    table = headed(f"words swapped in {found.n:,} of {found.n_all:,} rows", ("", "value", "95 % interval"))
    if found.flipped:
        table.add_row(cell("share of predictions that change"), f"{found.flipped.value:.4f}", interval(found.flipped))
    if found.moved:
        table.add_row(cell("mean change of the score, unsigned"), f"{found.moved.value:.4f}", interval(found.moved))
    for label, change in list(found.by_label.items())[:MOST_SHOWN]:
        table.add_row(cell(f"mean change for {label}"), f"{change.value:+.4f}", interval(change, signed=True))
    return table


def flips(found: Swaps) -> Table:
    """Returns some rows whose prediction changes."""
    table = headed("some predictions that change", ("row", "text after the swap", "before", "after"))
    for flip in found.flips[:MOST_SHOWN]:
        table.add_row(str(flip.row_id), cell(flip.swapped, most=100), cell(flip.before), cell(flip.after))
    return table
