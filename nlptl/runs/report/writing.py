"""Makes report.html from the files of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml

from nlptl.core import files
from nlptl.core.errors import InputError, NlptlError
from nlptl.core.recipe import RESOLVED, Recipe
from nlptl.core.records import Corpus, Finding
from nlptl.report.page import Page, render
from nlptl.report.parts import Errors, Setting, Verdict
from nlptl.report.searching import Search
from nlptl.runs.folder import AUDIT, RECIPE, REPORT, Folder
from nlptl.runs.report import curves, explained, facts, searches
from nlptl.runs.report.looks import Looks, label_errors
from nlptl.runs.report.rows import Source, SplitRows, read_rows, read_source

T = TypeVar("T")
HELD_OUT = ("test", "validation")
OF_ROWS = ("confidence", "slices", "errors", "issues")
UNREADABLE = (NlptlError, OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError)
"""What a damaged or unknown file may raise; the page then says so in place of that part."""


def write(
    path: Path, corpus: Corpus | None = None, slices: Sequence[str] | None = None, explain: int | None = None
) -> Path:
    """Writes a run's report.html and returns its path.

    Args:
        path: of the run's folder.
        corpus: the run's data, if it is in memory; None: it is read again.
        slices: columns to divide the rows by, in place of those of the recipe.
        explain: how many errors to explain with the run's model; None: only those in explanations.jsonl are coloured.

    Raises:
        InputError: the folder holds no run, its result.json is damaged, there is no such column, or the errors cannot
            be explained.
        OSError: the page cannot be written.
    """
    page = _Maker(path, slices, explain).page(corpus)
    files.write_text(path / REPORT, render(page).encode("utf-8", "replace").decode())
    return path / REPORT


class _Maker:
    """Makes the page of a run, part by part: a part that cannot be made is missing, and the page says why."""

    def __init__(self, path: Path, slices: Sequence[str] | None, explain: int | None) -> None:
        self._path, self._result, self._strict = path, Folder(path).result(), slices is not None
        self._explain = explain
        self._missing: dict[str, str] = {}
        self._recipe = self._part("settings", lambda: _with(Folder(path).recipe(), slices))
        primary = self._result.primary
        self._split, self._metric = (primary.split, primary.name) if primary else ("", "")

    def page(self, corpus: Corpus | None) -> Page:
        """Returns the page.

        Args:
            corpus: the run's data; None: it is read again.
        """
        result, shown, split = self._result, shown_folder(self._path), self._split
        verdict = self._part("verdict", lambda: facts.verdict(result, shown))
        page = Page(
            title=facts.title(result),
            facts=facts.facts(result, self._recipe, shown),
            command=facts.command(shown),
            verdict=verdict or Verdict("none", self._missing["verdict"]),
            split=split,
            metric=self._metric,
            n_rows=result.rows.get(split, 0),
            standings=self._part("baselines", lambda: facts.standings(result)) or [],
            metrics=dict(sorted(result.metrics.items(), key=lambda item: item[0] != split)),
            confusion=self._part("answers", lambda: facts.confusion(result, split)),
            per_class=self._part("answers", lambda: facts.per_class(result, split)) or {},
            cost=facts.cost(result),
            versions=facts.versions(result),
        )
        if not result.metrics:
            self._missing["metrics"] = "The run has measured nothing."
        elif not result.baselines.get(split):
            self._missing["baselines"] = "There are no baselines: --eval.baselines simple measures them."
        none = "Answers of this kind have no classes." if result.metrics else "There are no predictions."
        self._say(not (page.confusion or page.per_class), "answers", none)
        page = self._with_rows(self._with_files(page), self._source(corpus))
        return dataclasses.replace(page, missing=self._missing)

    def _with_files(self, page: Page) -> Page:
        """Returns the page with the audit, the curves and the settings."""
        notes, findings = self._part("audit", self._audit) or ([], [])
        log, n_damaged = self._part("curves", lambda: curves.read_log(self._path)) or ([], 0)
        drawn = self._part("curves", lambda: curves.curves(log, self._metric, self._result)) or []
        chosen, every = self._part("settings", self._settings) or ([], [])
        self._say(not drawn, "curves", "There are no curves: no updates were logged.")
        self._say(not (notes or findings), "audit", "The audit found nothing.")
        self._say(not chosen, "settings", "The run noted no reasons for its settings: all were given, or it is older.")
        return dataclasses.replace(
            page,
            notes=notes,
            findings=findings,
            curves=drawn,
            curve_notes=curves.notes(self._result, n_damaged),
            search=self._part("search", self._search),
            chosen=chosen,
            settings=every,
        )

    def _with_rows(self, page: Page, source: Source) -> Page:
        """Returns the page with what looks at single rows."""
        rows, why = self._part("rows", lambda: self._rows(source)) or ({}, "")
        if self._recipe is None or self._split not in rows:
            self._missing |= dict.fromkeys(OF_ROWS, self._missing.get("rows") or why)
            if self._explain is not None:
                raise InputError(f"the errors of {self._path} cannot be explained: {self._missing['errors']}")
            return page
        output, seed = self._recipe.task.output, self._result.seed
        looks = {split: Looks(own, output) for split, own in rows.items()}
        own = looks[self._split]
        confidence, note = self._part("confidence", own.confidence) or ([], "")
        issues = self._part("issues", lambda: label_errors(list(looks.values())))
        errors = self._errors(own, rows[self._split])
        self._say(issues is None, "issues", "Only labels of whole rows, with their probabilities, are looked through.")
        self._say(issues is not None and not issues.rows, "issues", "None were found.")
        self._say(not errors.rows, "errors", "There are no errors.")
        slices = self._part("slices", lambda: own.slices(seed))
        self._say(slices is not None and not slices.rows, "slices", "There are too few rows to divide.")
        return dataclasses.replace(
            page,
            scatter=self._part("answers", own.scatter),
            confidence=confidence,
            confidence_note=note,
            slices=slices,
            errors=errors,
            issues=issues,
            row_notes=[note for note in (*rows[self._split].notes, why) if note],
        )

    def _errors(self, own: Looks, rows: SplitRows) -> Errors:
        """Returns the errors, coloured as far as they are explained; first explains some if that was asked for."""
        errors, examples = self._part("errors", own.errors) or Errors([], 0, ""), explained.rows_of(rows.examples)
        if self._explain is not None:
            explained.write(self._path, errors, examples, self._explain)
        known = self._part("explanations", lambda: explained.read(self._path)) or {}
        return explained.shown(errors, known, examples)

    def _part(self, name: str, make: Callable[[], T]) -> T | None:
        """Returns a part of the page; None, and notes why, if it cannot be made."""
        try:
            return make()
        except UNREADABLE as error:
            self._missing[name] = f"This part could not be made: {error}"
            return None

    def _say(self, is_so: bool, name: str, why: str) -> None:
        if is_so:
            self._missing.setdefault(name, why)

    def _audit(self) -> tuple[list[str], list[Finding]]:
        values = files.read_object(self._path / AUDIT, "restore it")
        notes, found = values.get("notes"), values.get("findings")
        if not isinstance(notes, list) or not isinstance(found, list):
            raise files.damaged(self._path / AUDIT, "it has no notes or findings", "restore it")
        findings = [Finding(str(f["kind"]), str(f["message"]), 0, str(f["severity"])) for f in found]
        return [str(note) for note in notes], findings

    def _settings(self) -> tuple[list[Setting], list[Setting]]:
        if self._recipe is None:
            return [], []
        values = yaml.safe_load((self._path / RECIPE).read_text(encoding="utf-8"))
        reasons: Mapping[str, str] = values.get(RESOLVED) or {}
        return facts.settings(self._recipe, reasons)

    def _search(self) -> Search | None:
        return None if self._recipe is None else searches.search(self._path, self._recipe)

    def _source(self, corpus: Corpus | None) -> Source:
        """Returns the data that was evaluated, from memory or read again."""
        if corpus is not None or self._recipe is None:
            return Source() if corpus is None else Source.of(corpus, HELD_OUT)
        return read_source(self._path, self._recipe, strict=self._strict)

    def _rows(self, source: Source) -> tuple[dict[str, SplitRows], str]:
        """Returns the labelled rows with predictions, by split, and what is missing."""
        if self._recipe is None:
            return {}, "The recipe cannot be read, so it is not known what predictions mean."
        read = {split: read_rows(self._path, split, self._result.labels, source) for split in HELD_OUT}
        found = {split: rows for split, rows in read.items() if rows and rows.seen.references}
        return found, source.why if self._split in found else "There are no predictions with labels."


def _with(recipe: Recipe, slices: Sequence[str] | None) -> Recipe | None:
    if slices is None:
        return recipe
    return dataclasses.replace(recipe, eval=dataclasses.replace(recipe.eval, slices=list(slices)))


def shown_folder(path: Path) -> Path:
    """Returns a folder as a reader of the page would type it here: relative if it lies below."""
    whole, here = path.resolve(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole
