"""result.json: the measurements of a run, or the reason why it ended."""

import contextlib
import platform
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

from nlptl import __version__
from nlptl.core import files, registry
from nlptl.core.errors import NlptlError, TrainingError
from nlptl.core.result import Base, Memory, Result
from nlptl.engine.memory import Peak
from nlptl.runs.card import README
from nlptl.runs.folder import RESULT, Folder
from nlptl.runs.preparing import Prepared

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


@dataclass
class Record:
    """The result that result.json will hold."""

    result: Result


@contextmanager
def recording(folder: Folder, prepared: Prepared, peak: Peak) -> Iterator[Record]:
    """Writes result.json at the end of the block, whatever ends it; the block sets the result of the record it gets.

    Args:
        folder: the run's.
        prepared: what the run computes, and in which of its processes.
        peak: measures the run's memory.

    Raises:
        TrainingError: reading or writing failed, for example on a full disk.
    """
    began = time.perf_counter()
    record = Record(Result("interrupted"))

    def write() -> None:
        if prepared.compute.is_main:
            timing = replace(record.result.timing, total_s=time.perf_counter() - began)
            _complete(replace(record.result, timing=timing), folder, prepared, peak).write(folder.path / RESULT)

    try:
        with _in_words(folder):
            yield record
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            record.result = replace(record.result, status="failed", error=_described(error))
        with contextlib.suppress(OSError):  # the error to report is the one that ended the run
            write()
        raise
    with _in_words(folder):
        write()


@contextmanager
def _in_words(folder: Folder) -> Iterator[None]:
    """Says what to do if the system refuses to read or write."""
    try:
        yield
    except Exception as error:
        why = None if isinstance(error, NlptlError) else files.system_refusal(error)
        if why is None:
            raise
        raise TrainingError(
            f"the run in {folder.path} had to stop: {why}; its checkpoints are kept: once that is mended, "
            f"nlptl train --resume {folder.path} goes on"
        ) from error


def _complete(result: Result, folder: Folder, prepared: Prepared, peak: Peak) -> Result:
    """Returns a result with the facts that every run has, however it ended."""
    recipe, source = prepared.recipe, prepared.pretrained.source
    saved = [p for p in folder.model.rglob("*") if p.is_file() and p.name != README]
    return replace(
        result,
        task=registry.name_of("task", type(recipe.task)),
        method=registry.name_of("method", type(recipe.method)),
        model=Base(source.name, source.revision, source.sha256, source.licence),
        memory=Memory(**peak.mib()),
        machine=prepared.compute.machine,
        artifact_bytes=sum(p.stat().st_size for p in saved),
        seed=recipe.train.seed,
        versions={
            "python": platform.python_version(),
            **{name: _version(name) for name in PACKAGES},
            "nlptl": __version__,
        },
    )


def _described(error: BaseException) -> str:
    return str(error) if isinstance(error, NlptlError) else "".join(traceback.format_exception(error)[-3:])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
