"""A run's folder and its files, none of which is ever overwritten."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml
from filelock import FileLock, Timeout

from nlptl.core import files, registry
from nlptl.core.errors import InputError
from nlptl.core.finite import to_json
from nlptl.core.recipe import FORMAT, RESOLVED, Recipe
from nlptl.core.records import Answer, Prediction
from nlptl.core.result import Result
from nlptl.runs import inputs

if TYPE_CHECKING:
    from nlptl.runs.preparing import Prepared

T = TypeVar("T")
RECIPE, INPUTS, RESULT, LOG, AUDIT = "recipe.yaml", "inputs.json", "result.json", "metrics.jsonl", "audit.json"
SEARCH = "search.json"
CARD = "nlptl.json"
"""Inside model/: how the artifact is used."""
REPORT, EXPLANATIONS = "report.html", "explanations.jsonl"
LOCK = ".lock"
"""Held by the process that writes to the folder; removed when it ends well."""
BEGINNING = {AUDIT, INPUTS, "checkpoints", LOCK}
"""What a run writes before its recipe; a folder that holds nothing else was left by a run that never began."""
INPUTS_FORMAT = 1
"""The newest format that is read; the oldest files have no number and are read as format 1."""
PARTS = ("task", "method", "data", "model")
"""Parts that a stored recipe must have: a default could differ from what the run had."""
ADVICE = {
    RECIPE: "restore it, or begin a new run; a finished run's model/ folder predicts without it",
    INPUTS: f"restore it, or begin anew with nlptl train --config .../{RECIPE} --output ANOTHER",
    LOG: "remove that line, or restore the file",
}
"""What to do if a file is damaged."""


class Folder:
    """The files of one run.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = path / "model"
        self.checkpoints = path / "checkpoints"

    @staticmethod
    def free(output: str | Path | None, recipe: Recipe) -> Folder:
        """Returns a folder that is empty or does not exist; it is not created here.

        Raises:
            InputError: it holds something, or cannot be written.
        """
        if output is None:
            output = _next_free(Path("runs"), recipe)
        folder = Folder(Path(output))
        folder._refuse_content()
        return folder

    def _refuse_content(self) -> None:
        path = self.path
        found = {p.name.removesuffix(files.PARTIAL) for p in path.iterdir()} if path.is_dir() else set()
        if (path.exists() and not path.is_dir()) or found - BEGINNING:
            what = "a run" if RECIPE in found else "files" if path.is_dir() else "a file"
            raise InputError(
                f"output {str(path)!r} already holds {what}: nothing is overwritten; choose another folder"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder if there is none, and locks it against other runs until exit.

        Raises:
            InputError: another process holds it, it cannot be written, or it has links to elsewhere.
        """
        lock = FileLock(self.path / LOCK, timeout=0)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise InputError(f"{str(self.path)!r} is in use: another run is writing to it") from error
        except (OSError, NotImplementedError) as error:
            raise InputError(f"output {str(self.path)!r} cannot be written: {error}") from error
        try:
            files.refuse_links(self.path)
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows removes no file that is open
                (self.path / LOCK).unlink()
            lock.release()

    def begin_search(self, recipe: Recipe) -> None:
        """Writes the recipe as it was given: the folder becomes a run whose trials go on if they are stopped.

        Raises:
            InputError: another run was faster, or the folder cannot be written.
        """
        self._refuse_content()
        try:
            self._write_recipe(inputs.storable(recipe.to_dict()), {})
        except OSError as error:
            raise InputError(f"output {str(self.path)!r} cannot be written: {error}") from error

    def drop_search(self) -> None:
        """Removes the recipe of a search that could try nothing, so that the folder can be used again."""
        if not (self.path / SEARCH).exists():
            (self.path / RECIPE).unlink()

    def begin(self, prepared: Prepared, *, searched: bool = False) -> None:
        """Writes the files that precede training, the recipe last: it makes the folder a run.

        Args:
            prepared: recipe, corpus, pretrained model and findings.
            searched: whether the folder holds the recipe and the trials of a search.

        Raises:
            InputError: another run was faster, or the folder cannot be written.
        """
        if not searched:
            self._refuse_content()
        plain = inputs.storable(prepared.recipe.to_dict())
        findings = [dataclasses.asdict(f) for f in prepared.findings]
        hashes = inputs.hashes(prepared.corpus, prepared.pretrained)
        known = {"format": INPUTS_FORMAT, **hashes, "recipe": inputs.settings(plain)}
        try:
            self.checkpoints.mkdir(exist_ok=True)
            files.write_json(self.path / AUDIT, {"notes": prepared.corpus.notes, "findings": findings})
            files.write_json(self.path / INPUTS, known)
            self._write_recipe(plain, prepared.reasons)
        except OSError as error:
            raise InputError(f"output {str(self.path)!r} cannot be written: {error}") from error

    def _write_recipe(self, plain: inputs.Parts, reasons: Mapping[str, str]) -> None:
        stored = {"format": FORMAT, **plain, RESOLVED: dict(reasons)}
        files.write_text(self.path / RECIPE, yaml.safe_dump(stored, sort_keys=False, allow_unicode=True))

    def recipe(self) -> Recipe:
        """Returns the stored recipe.

        Raises:
            InputError: there is none, or it is damaged.
        """
        return self._read_recipe()[0]

    def _read_recipe(self) -> tuple[Recipe, dict[str, object]]:
        """Returns the recipe, and the settings in the file by name."""
        path = self.path / RECIPE
        if not path.exists():
            raise InputError(f"{self.path} has no {RECIPE}: it is not a run's folder")
        text = files.read_text(path, ADVICE[RECIPE])
        try:
            values = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise files.damaged(path, error, ADVICE[RECIPE]) from error
        missing = [part for part in PARTS if part not in values] if isinstance(values, dict) else []
        if missing:
            raise files.damaged(path, f"it has no {missing[0]}", ADVICE[RECIPE])
        try:
            recipe = Recipe.from_dict(values)
        except InputError as error:
            raise InputError(f"{path}: {error}; {ADVICE[RECIPE]}") from error
        parts = {part: fields for part, fields in values.items() if part not in ("format", RESOLVED)}
        return recipe, inputs.settings(parts)

    def status(self) -> str | None:
        """Returns the status in result.json, None if there is none yet."""
        return self.result().status if (self.path / RESULT).exists() else None

    def refuse_finished(self) -> None:
        """Raises an InputError if the run is finished."""
        if self.status() == "succeeded":
            raise InputError(f"{self.path} is finished: nothing to resume; nlptl evaluate and nlptl predict use it")

    def result(self) -> Result:
        """Returns the content of result.json.

        Raises:
            InputError: there is none, it is damaged, or a newer nlptl wrote it.
        """
        path = self.path / RESULT
        if not path.exists():
            raise InputError(f"{self.path} has no {RESULT}: it is not a run's folder")
        return Result.read(path)

    def check_unchanged(self, prepared: Prepared) -> None:
        """Raises an InputError when data, pretrained weights or recipe are not those that the run began with."""
        path = self.path / INPUTS
        before = files.read_object(path, ADVICE[INPUTS])
        files.check_format(path, before.get("format"), INPUTS_FORMAT)
        if not isinstance(before.get("recipe"), dict):
            raise files.damaged(path, "it has no recipe", ADVICE[INPUTS])
        now = inputs.hashes(prepared.corpus, prepared.pretrained)
        today = inputs.settings(inputs.storable(prepared.recipe.to_dict()))
        changed = inputs.changes(before, now, today, self._read_recipe()[1])
        if changed:
            raise InputError(f"{self.path} cannot be resumed: changed since it began: {', '.join(changed)}")

    def log(self, line: dict[str, object]) -> None:
        """Adds a line to metrics.jsonl."""
        with (self.path / LOG).open("a", encoding="utf-8") as stream:
            stream.write(to_json(line) + "\n")

    def cut_log(self, update: int) -> None:
        """Removes the lines of metrics.jsonl after an update, and an incomplete last line.

        Raises:
            InputError: a line is damaged.
        """
        path = self.path / LOG
        if not path.exists():
            return
        lines = files.read_text(path, ADVICE[LOG]).split("\n")[:-1]
        kept = [line for number, line in enumerate(lines, 1) if _update_of(line, f"{path}, line {number}") <= update]
        files.write_text(path, "".join(f"{line}\n" for line in kept))

    def write_predictions(self, split: str, predictions: Sequence[Prediction], labels: Sequence[object]) -> None:
        """Writes predictions/SPLIT.jsonl, a line per row in the data's order.

        Args:
            split: of the rows.
            predictions: one a row.
            labels: of the same rows, as `Example.label`; None if a label is not known.
        """
        both = zip(predictions, labels, strict=True)
        lines = [to_json(p.to_dict() | {"label": _as_plain(label)}) + "\n" for p, label in both]
        files.write_text(self.path / "predictions" / f"{split}.jsonl", "".join(lines))

    def place_model(self, save: Callable[[Path], None], check: Callable[[Path], T]) -> T:
        """Writes the trained model, checks it, and only then moves it to its place; returns the check's value.

        Args:
            save: writes the model into a folder.
            check: raises an error if what was written is not what was trained.
        """
        aside = files.aside(self.model)
        shutil.rmtree(aside, ignore_errors=True)
        try:
            save(aside)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)  # leaves room for result.json
            raise
        checked = check(aside)
        files.replace_folder(self.model)
        return checked


def _as_plain(label: object) -> object:
    """Returns a label as JSON values; accepted answers become objects."""
    if not isinstance(label, tuple):
        return label
    return [part._asdict() if isinstance(part, Answer) else part for part in label]


def _update_of(line: str, place: str) -> int:
    try:
        update = json.loads(line)["update"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise files.damaged(place, error, ADVICE[LOG]) from error
    if type(update) is not int:
        raise files.damaged(place, f"its update is {update!r}", ADVICE[LOG])
    return update


def _next_free(parent: Path, recipe: Recipe) -> Path:
    task, method = registry.name_of("task", type(recipe.task)), registry.name_of("method", type(recipe.method))
    stem = f"{task}-{method}".replace(".", "_")
    taken = {p.name for p in parent.iterdir()} if parent.is_dir() else set()
    return parent / next(f"{stem}-{n}" for n in range(1, len(taken) + 2) if f"{stem}-{n}" not in taken)
