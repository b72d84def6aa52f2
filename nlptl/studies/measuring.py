"""Measures runs and pairs of runs on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from nlptl import evaluation
from nlptl.core import kinds
from nlptl.core.comparison import Compared, Comparison, Pair, Reference, Split
from nlptl.core.errors import InputError
from nlptl.core.records import Answer, Interval
from nlptl.runs.rows import Row, Rows
from nlptl.studies.finished import Finished

N_PERMUTATIONS = 10_000
"""For each p-value: the smallest is 0.0001, and one of 0.05 varies by 0.002 from seed to seed."""
ROW = ("row_id", "label")
"""The columns of a row, before those of the runs."""


class Comparing:
    """Measures runs and pairs of runs.

    Args:
        runs: of the same rows.
        metric: to compare.
        n_bootstrap: resamples for each interval.
        seed: of resamples and permutations.
    """

    def __init__(self, runs: Sequence[Finished], metric: str, n_bootstrap: int, seed: int) -> None:
        self.runs, self.metric, self.seed, self.n_bootstrap = runs, metric, seed, n_bootstrap
        self.names = _names(runs)
        first = runs[0]
        self.output, self.references, self.labels = first.recipe.task.output, first.references, first.labels
        self.scores = [self._score(run) for run in runs]
        self.greater_is_better = evaluation.greater_is_better(metric)

    def record(self, split: Split, reference: Reference) -> Comparison:
        """Returns the comparison.

        Args:
            split: of the rows.
            reference: the run that the others are compared with.
        """
        values = [score.value if self.greater_is_better else -score.value for score in self.scores]
        base = int(np.argmax(values)) if reference == "best" else 0
        pairs = {(i, j): self._pair(i, j) for i, j in combinations(range(len(self.runs)), 2)}
        return Comparison(
            task=self.runs[0].result.task,
            split=split,
            metric=self.metric,
            greater_is_better=self.greater_is_better,
            n_rows=len(self.references),
            n_bootstrap=self.n_bootstrap,
            n_permutations=N_PERMUTATIONS,
            seed=self.seed,
            reference=self.names[base],
            runs=tuple(self._run(i, _difference(pairs, i, base)) for i in range(len(self.runs))),
            pairs=_corrected(list(pairs.values())),
        )

    def differences(self) -> Rows[Row]:
        """Returns the rows to which two runs give different answers, with the answers of all."""
        rows = Rows[Row]()
        for i, label in enumerate(self.references):
            answers = [run.predictions[i].prediction for run in self.runs]
            if any(answer != answers[0] for answer in answers):
                row_id = self.runs[0].predictions[i].row_id
                rows.append({"row_id": row_id, "label": _plain(label), **dict(zip(self.names, answers, strict=True))})
        return rows

    def _score(self, run: Finished) -> Interval:
        given = (self.output, self.references, run.predictions, self.labels)
        try:
            found = evaluation.score(*given, n_bootstrap=self.n_bootstrap, seed=self.seed, only=[self.metric])
        except (InputError, TypeError, ValueError, AttributeError) as error:  # answers of another form
            raise InputError(f"the predictions of {run.folder} cannot be scored: {error}") from error
        if self.metric not in found.metrics:
            raise InputError(f"{self.metric} cannot be measured on the predictions of {run.folder}")
        return found.metrics[self.metric]

    def _run(self, i: int, difference: Interval | None) -> Compared:
        result = self.runs[i].result
        return Compared(
            run=self.names[i],
            folder=str(self.runs[i].folder),
            method=result.method,
            model=result.model.name if result.model else None,
            seed=result.seed,
            score=self.scores[i],
            difference=difference,
            train_s=result.timing.train_s,
            peak_mib=result.memory.peak_mib,
            trained=result.parameters.trainable if result.parameters else None,
            artifact_bytes=result.artifact_bytes,
        )

    def _pair(self, i: int, j: int) -> Pair:
        both = a, b = self.runs[i].predictions, self.runs[j].predictions
        given = (self.output, self.references, *both, self.labels, self.metric)
        difference = evaluation.paired_difference(*given, n_bootstrap=self.n_bootstrap, seed=self.seed)
        p = evaluation.paired_test(*given, n_permutations=N_PERMUTATIONS, seed=self.seed)
        others = tuple(x.row_id for x, y in zip(a, b, strict=True) if x.prediction != y.prediction)
        pair = Pair(self.names[i], self.names[j], difference, p, p, n_differ=len(others), row_ids=others)
        if not kinds.of(self.output).one_name:
            return pair
        right_a, right_b = (np.array([x.prediction for x in run]) == np.array(self.references) for run in both)
        only = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
        mcnemar = evaluation.mcnemar(right_a, right_b)
        return replace(pair, mcnemar=mcnemar, mcnemar_holm=mcnemar, only_first=only[0], only_second=only[1])


def _difference(pairs: Mapping[tuple[int, int], Pair], i: int, base: int) -> Interval | None:
    """Returns the score of a run minus that of the reference; None for the reference itself."""
    if i == base:
        return None
    found = pairs[min(i, base), max(i, base)].difference
    return found if i < base else Interval(-found.value, -found.high, -found.low)


def _corrected(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Returns the pairs with p-values corrected for their number."""
    corrected = [replace(pair, p_holm=p) for pair, p in zip(pairs, evaluation.holm([x.p for x in pairs]), strict=True)]
    exact = [pair.mcnemar for pair in pairs if pair.mcnemar is not None]
    if len(exact) < len(pairs):
        return tuple(corrected)
    return tuple(replace(pair, mcnemar_holm=p) for pair, p in zip(corrected, evaluation.holm(exact), strict=True))


def _names(runs: Sequence[Finished]) -> list[str]:
    """Returns a name for each run: as many of the last parts of its path as tell the runs apart."""
    paths = [run.folder.resolve().parts for run in runs]
    by_depth = (["/".join(path[-n:]) for path in paths] for n in range(1, max(map(len, paths)) + 1))
    return next(names for names in by_depth if len({*names, *ROW}) == len(names) + len(ROW))


def _plain(label: object) -> object:
    if not isinstance(label, tuple):
        return label
    return [part._asdict() if isinstance(part, Answer) else part for part in label]
