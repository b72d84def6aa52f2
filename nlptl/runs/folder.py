"""A run's folder: what lies in it, and that nothing in it is ever overwritten."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from nlptl import __version__
from nlptl.core import registry
from nlptl.core.errors import InputError, NlptlError
from nlptl.core.finite import to_json
from nlptl.core.recipe import Recipe
from nlptl.core.records import Prediction, Pretrained
from nlptl.data import fingerprint

IN_MEMORY = "in-memory:"
BEGINNING = {"audit.json", "inputs.json", "checkpoints"}
"""What a run writes before its recipe; a folder with no more than that was left by one that never began."""
COMPARED_BY_CONTENT = {"data.train", "data.validation", "data.test", "model.name"}
PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "datasets",
    "evaluate",
    "tokenizers",
    "scikit-learn",
    "numpy",
)


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
        """Returns a folder that holds nothing yet; it is not made here.

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
        found = {p.name.removesuffix(".partial") for p in path.iterdir()} if path.is_dir() else set()
        if (path.exists() and not path.is_dir()) or found - BEGINNING:
            what = "a run" if "recipe.yaml" in found else "files" if path.is_dir() else "a file"
            raise InputError(
                f"output {str(path)!r} already holds {what}: nothing is overwritten; choose another folder"
            )

    def hold(self) -> int:
        """Makes the folder if there is none, and keeps other runs out of it until the returned handle is closed.

        Raises:
            InputError: another process holds it, or it cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise InputError(f"output {str(self.path)!r} cannot be written: {error}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise InputError(f"{str(self.path)!r} is in use: another run is writing to it") from error
        return handle

    def begin(self, prepared: Any) -> None:
        """Writes what is known before training, the recipe last: with it, the folder holds a run.

        Args:
            prepared: recipe, corpus, pretrained model and findings.

        Raises:
            InputError: another run was faster, or the folder cannot be written.
        """
        self._refuse_content()
        plain = _storable(prepared.recipe.to_dict())
        findings = [dataclasses.asdict(f) for f in prepared.findings]
        try:
            self.checkpoints.mkdir(exist_ok=True)
            self._write_json("audit.json", {"notes": prepared.corpus.notes, "findings": findings})
            self._write_json("inputs.json", {**_inputs(prepared), "recipe": _settings(plain)})
            self._write("recipe.yaml", yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
        except OSError as error:
            raise InputError(f"output {str(self.path)!r} cannot be written: {error}") from error

    def recipe(self) -> Recipe:
        """Returns the stored recipe.

        Raises:
            InputError: there is none, or it is damaged.
        """
        path = self.path / "recipe.yaml"
        if not path.exists():
            raise InputError(f"{self.path} has no recipe.yaml: it is not a run's folder")
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(f"{path} is damaged: {error}") from error
        return Recipe.from_dict(values)

    def status(self) -> str | None:
        """Returns the status in result.json, None where there is none yet."""
        return str(self.result()["status"]) if (self.path / "result.json").exists() else None

    def result(self) -> dict[str, Any]:
        """Returns the content of result.json."""
        result: dict[str, Any] = json.loads((self.path / "result.json").read_text(encoding="utf-8"))
        return result

    def check_unchanged(self, prepared: Any) -> None:
        """Raises an InputError when data, pretrained weights or recipe are not those that the run began with."""
        before = json.loads((self.path / "inputs.json").read_text(encoding="utf-8"))
        old, new = before.pop("recipe"), _settings(_storable(prepared.recipe.to_dict()))
        now = _inputs(prepared)
        changed = sorted(name for name in before | now if before.get(name) != now.get(name))
        changed += [
            f"{name} (was {old.get(name)}, is {new.get(name)})"
            for name in sorted(old.keys() | new.keys())
            if old.get(name) != new.get(name)
        ]
        if changed:
            raise InputError(f"{self.path} cannot be resumed: changed since it began: {', '.join(changed)}")

    def log(self, line: dict[str, Any]) -> None:
        """Adds a line to metrics.jsonl."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(to_json(line) + "\n")

    def cut_log(self, update: int) -> None:
        """Drops the lines of metrics.jsonl that lie behind an update."""
        path = self.path / "metrics.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if line.endswith("\n") and json.loads(line)["update"] <= update]
            self._write("metrics.jsonl", "".join(kept))

    def write_predictions(self, split: str, predictions: Sequence[Prediction]) -> None:
        """Writes predictions/SPLIT.jsonl, a line per row in the data's order."""
        lines = [p.to_json() + "\n" for p in predictions]
        self._write(f"predictions/{split}.jsonl", "".join(lines))

    @contextmanager
    def recording(self, recipe: Recipe, pretrained: Pretrained, *, is_main: bool) -> Iterator[dict[str, Any]]:
        """Writes result.json at the end of the block, whatever ends it; the block fills the dictionary it gets."""
        began = time.perf_counter()
        found: dict[str, Any] = {"status": "interrupted"}
        try:
            yield found
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            found |= {"status": "failed", "error": _described(error)}
            raise
        finally:
            if is_main:
                found.setdefault("timing", {})["total_s"] = time.perf_counter() - began
                self._write_json("result.json", {**found, **self._about(recipe, pretrained)})

    def _about(self, recipe: Recipe, pretrained: Pretrained) -> dict[str, Any]:
        source = pretrained.source
        files = [p for p in self.model.rglob("*") if p.is_file()] if self.model.exists() else []
        return {
            "task": registry.name_of("task", type(recipe.task)),
            "method": registry.name_of("method", type(recipe.method)),
            "model": {
                "name": source.name,
                "revision": source.revision,
                "sha256": source.sha256,
                "licence": source.licence,
            },
            "memory": {"peak_mib": _peak_mib()},
            "artifact_bytes": sum(p.stat().st_size for p in files),
            "seed": recipe.train.seed,
            "versions": {
                "python": platform.python_version(),
                **{name: _version(name) for name in PACKAGES},
                "nlptl": __version__,
            },
        }

    def _write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(path.name + ".partial")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)

    def _write_json(self, name: str, value: Any) -> None:
        self._write(name, to_json(value, indent=1))


def _next_free(parent: Path, recipe: Recipe) -> Path:
    task, method = registry.name_of("task", type(recipe.task)), registry.name_of("method", type(recipe.method))
    stem = f"{task}-{method}".replace(".", "_")
    taken = {p.name for p in parent.iterdir()} if parent.is_dir() else set()
    return parent / next(f"{stem}-{n}" for n in range(1, len(taken) + 2) if f"{stem}-{n}" not in taken)


def _storable(plain: dict[str, Any]) -> dict[str, Any]:
    # Data given as objects cannot be stored in a text file; a rerun says so by name. Paths hold from any folder.
    for split in ("train", "validation", "test"):
        source = plain["data"][split]
        if isinstance(source, str | Path):
            plain["data"][split] = str(Path(source).resolve()) if Path(source).exists() else str(source)
        elif source is not None:
            plain["data"][split] = f"{IN_MEMORY}{type(source).__name__}"
    name = plain["model"]["name"]
    plain["model"]["name"] = str(Path(name).resolve()) if Path(name).is_dir() else name
    return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


def _inputs(prepared: Any) -> dict[str, str]:
    splits = prepared.corpus.splits
    data = {f"data.{split}": fingerprint(rows) for split, rows in splits.items()}
    return data | {"model": prepared.pretrained.source.sha256}


def _settings(plain: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a recipe by name, such as "train.epochs", without where data and model lie."""
    values = {f"{part}.{name}": value for part, fields in plain.items() for name, value in fields.items()}
    return {name: value for name, value in values.items() if name not in COMPARED_BY_CONTENT}


def _described(error: BaseException) -> str:
    return str(error) if isinstance(error, NlptlError) else "".join(traceback.format_exception(error)[-3:])


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "linux" else peak / 2**20


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
