"""`--method auto`: tries methods on rows held out of training, within a budget of time, and chooses one.

The training rows are divided into five parts; a trial is judged on one of them. Methods that solve for a head cost
seconds: they are tried on all parts. The others train first for an eighth of the updates of a whole run, on so many
parts that 200 rows judge them; then the better two for as many updates as the time allows, on as many parts (successive
halving, Jamieson and Talwalkar 2016), and the others too if there is time for all parts. The time of the final training
is set aside. The best is chosen; if a cheaper one is within a standard error of it, and within 0.01, the cheaper one.
"""

import dataclasses
import math
from dataclasses import dataclass

from nlptl.core.checks import known
from nlptl.core.errors import InputError
from nlptl.core.protocols import Choosing, Method, Solving
from nlptl.core.recipe import Recipe
from nlptl.report import console
from nlptl.runs import settings
from nlptl.runs.trials import Trial, Trials

FIRST_SHARE, N_KEPT = 8, 2
"""Of a whole run's updates, 1 / 8 in the first round; then how many methods go on."""
LEAST_UPDATES = 20
"""Fewer say nothing."""
LEAST_JUDGED = 200
"""Rows that judge the first round: of 48 rows each counts 0.02, and the choice is a lottery."""
MOST_FIRST = 0.25
"""Of the time, for the first round on further parts."""
MOST_LOST = 0.01
"""Of the metric, for a cheaper method: on a few dozen rows a standard error is too much to give away."""
SLACK = 1.25
"""Time of a training as a multiple of that of its updates: evaluation, baselines and the check of the artifact."""
MINUTES = 10.0
"""Default of train.minutes."""


@dataclass(frozen=True)
class Candidate:
    """A method with its trials."""

    name: str
    method: Method
    trials: tuple[Trial, ...]
    """On the first divisions of the rows."""

    @property
    def seconds(self) -> float:
        """Time of all its trials."""
        return sum(t.seconds for t in self.trials)


def choose(recipe: Recipe, choosing: Choosing, trials: Trials) -> tuple[Recipe, str]:
    """Returns the recipe with the method that was chosen, and why.

    Raises:
        InputError: no method can be tried on these rows in this time.
    """
    budget_s = (recipe.train.minutes or MINUTES) * 60
    candidates = choosing.candidates()
    search = _Search(recipe, trials, budget_s, list(candidates))
    search.solve({n: m for n, m in candidates.items() if isinstance(m, Solving)})
    search.train({n: m for n, m in candidates.items() if not isinstance(m, Solving)})
    if not search.found:
        raise InputError(
            f"method auto could try none of {', '.join(candidates)} in train.minutes {budget_s / 60:g}: "
            f"{'; '.join(search.left_out)}"
        )
    best = search.best()
    if trials.compute.is_main:
        console.tried(trials.metric, [_row(c, trials, best) for c in search.found], search.left_out)
    why = f"of {len(search.found)} tried on training rows held out the best, or a cheaper one that is as good"
    return dataclasses.replace(recipe, method=best.method), why


def _row(candidate: Candidate, trials: Trials, best: Candidate) -> console.Tried:
    values, gain = [t.value for t in candidate.trials], trials.mean_gain(candidate.trials, best.trials)
    return console.Tried(
        candidate.name,
        sum(values) / len(values),
        None if candidate is best else (gain.low, gain.high),
        len(values),
        candidate.trials[0].updates,
        candidate.seconds,
        candidate is best,
    )


class _Search:
    def __init__(self, recipe: Recipe, trials: Trials, budget_s: float, names: list[str]) -> None:
        self.recipe, self.trials, self.budget_s, self.names = recipe, trials, budget_s, names
        self.found: list[Candidate] = []
        self.left_out: list[str] = []
        self._made: list[Trial] = []
        n_rows = len(trials.rows)
        sized, _ = settings.sized(recipe.train, n_rows)
        self.n_updates = settings.n_updates(sized, n_rows)
        self.batch_size = known("train.batch_size", sized.batch_size)

    def spent_s(self) -> float:
        """Returns the time of the trials so far; a resumed search repeats each decision with the stored times."""
        return sum(t.seconds for t in self._made)

    def solve(self, methods: dict[str, Method]) -> None:
        """Tries methods that solve for a head, on all parts."""
        for name, method in methods.items():
            if self._has_time(name):
                self._add(name, method, updates=None, n_parts=self.trials.n_parts)

    def train(self, methods: dict[str, Method]) -> None:
        """Tries methods that train, by successive halving."""
        first = self._first_round(methods)
        ranked = sorted(first, key=lambda name: self._mean_loss(first[name]))
        for name in ranked[:N_KEPT]:
            self._second(name, methods[name], first[name][0], n_methods=min(N_KEPT, len(ranked)))
        slowest_s = max((self._final_s(trials[0]) for trials in first.values()), default=0.0)
        for name in ranked[N_KEPT:]:
            every_s = self.trials.n_parts * self.n_updates * self._update_s(first[name][0])
            if self.spent_s() + every_s + slowest_s <= self.budget_s:
                self._add(name, methods[name], self.n_updates, self.trials.n_parts)
            else:
                value = sum(t.value for t in first[name]) / len(first[name])
                self.left_out.append(f"{name} after {first[name][0].updates} updates: {self.trials.metric} {value:.4f}")

    def best(self) -> Candidate:
        """Returns the best candidate, or the cheapest that is as good, within a standard error and `MOST_LOST`."""
        # Parts differ in difficulty, so candidates are compared with one that has been tried on most of them.
        most = max(self.found, key=lambda c: len(c.trials))
        best = max(self.found, key=lambda c: self.trials.mean_gain(c.trials, most.trials).value)
        cheapest_first = sorted(self.found, key=lambda c: self.names.index(c.name))
        return next(c for c in cheapest_first if not self.trials.is_better(best.trials, c.trials, MOST_LOST))

    def _has_time(self, name: str) -> bool:
        """Returns whether half the time is left, or nothing has been tried yet; notes what is left out."""
        if self.spent_s() < self.budget_s / 2 or not self.found:
            return True
        self.left_out.append(f"{name}: no time left")
        return False

    def _first_round(self, methods: dict[str, Method]) -> dict[str, list[Trial]]:
        """Returns short trials of each method, all on the same parts: one, or more if a part has few rows."""
        updates = max(LEAST_UPDATES, self.n_updates // FIRST_SHARE)
        first: dict[str, list[Trial]] = {}
        for name, method in methods.items():
            trial = self._trial(f"{name}, first round", method, 0, updates) if self._has_time(name) else None
            if trial:
                first[name] = [trial]
        round_s = sum(trials[0].seconds for trials in first.values())
        n_parts = self.trials.n_parts
        for part in range(1, min(n_parts, math.ceil(LEAST_JUDGED * n_parts / len(self.trials.rows)))):
            if self.spent_s() + round_s > MOST_FIRST * self.budget_s:
                break
            for name, trials in first.items():
                trials.extend(filter(None, [self._trial(f"{name}, first round", methods[name], part, updates)]))
        return first

    def _mean_loss(self, trials: list[Trial]) -> float:
        return sum(map(self.trials.loss, trials)) / len(trials)

    def _update_s(self, first: Trial) -> float:
        return SLACK * self.batch_size / max(first.examples_per_s, 1e-9)

    def _final_s(self, first: Trial) -> float:
        """Returns the time of the final training with the method of a trial."""
        return self.recipe.train.seeds * self.n_updates * self._update_s(first)

    def _second(self, name: str, method: Method, first: Trial, n_methods: int) -> None:
        """Trains on as many parts, for as many updates, as the time allows."""
        update_s, final_s = self._update_s(first), self._final_s(first)
        left_s = (self.budget_s - self.spent_s() - final_s) / max(1, n_methods - self._n_second())
        if left_s < LEAST_UPDATES * update_s:
            self.left_out.append(f"{name}: its training would take {final_s / 60:.1f} minutes, more than is left")
            return
        most = int(left_s / update_s)
        n_parts = min(self.trials.n_parts, max(1, most // self.n_updates))
        self._add(name, method, min(self.n_updates, most), n_parts)

    def _n_second(self) -> int:
        return sum(1 for c in self.found if c.trials[0].updates)

    def _add(self, name: str, method: Method, updates: int | None, n_parts: int) -> None:
        tried = [self._trial(name, method, part, updates) for part in range(n_parts)]
        if all(tried):
            self.found.append(Candidate(name, method, tuple(t for t in tried if t)))

    def _trial(self, name: str, method: Method, part: int, updates: int | None) -> Trial | None:
        try:
            trial = self.trials.run(name, dataclasses.replace(self.recipe, method=method), part, updates)
        except InputError as error:
            if not part:
                self.left_out.append(f"{name}: {error}")
            return None
        self._made.append(trial)
        return trial
