"""The table of a ranking of pretrained models."""

from rich.table import Table

from nlptl.core.ranking import Ranking
from nlptl.report.tables import headed, interval
from nlptl.report.voice import cell


def models(found: Ranking) -> Table:
    """Returns the models, the best first, each by its best layer."""
    headings = ("model", found.metric, "95 % interval", "difference to the first")
    table = headed(f"probe on frozen vectors, {found.n_rows:,} training rows, cross-validated", headings)
    for i, own in enumerate(found.models):
        difference, style = own.difference, "" if i else "bold"
        to_first = "" if difference is None else f"{difference.value:+.4f} ({interval(difference, signed=True)})"
        values = (f"{own.score.value:.4f}", interval(own.score), to_first)
        table.add_row(cell(own.name, style), *(cell(value, style) for value in values))
    return table


def details(found: Ranking) -> Table:
    """Returns the best layer of each model with its other measures, and facts about the model."""
    table = headed("best layer", ("model", "layer", "neighbours", "LogME", "H-score", "parameters", "licence"))
    for own in found.models:
        best = own.best
        layer = "last" if best.layer < 0 else f"{best.layer} of {len(own.layers) - 1}"
        h_score = "-" if best.h_score is None else f"{best.h_score:.2f}"
        measures = (layer, f"{best.neighbours:.4f}", f"{best.log_me:.3f}", h_score)
        name = own.name.rpartition("/")[2]
        table.add_row(*map(cell, (name, *measures, f"{own.parameters:,}", own.licence or "-")))
    return table


def in_words(found: Ranking) -> str:
    """Returns which model to choose."""
    first = found.models[0]
    unsure = [own.name for own in found.models[1:] if own.difference and own.difference.low <= 0 <= own.difference.high]
    if not unsure:
        return f"{first.name} is the best on these rows"
    return f"{first.name} is the best on these rows; by chance it could be {', '.join(unsure)}"
