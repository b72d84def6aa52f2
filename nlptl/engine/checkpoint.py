"""Checkpoints: trained parameters, optimizer state and position in safetensors and JSON, whole or not at all."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from nlptl.core import files
from nlptl.core.digest import sha256_of
from nlptl.core.errors import InputError, TrainingError
from nlptl.core.phases import PhaseDone
from nlptl.core.protocols import Model
from nlptl.engine.device import Compute
from nlptl.engine.sharding import whole

WEIGHTS, BEST, OPTIMIZER, PROGRESS = "trained.safetensors", "best.safetensors", "optimizer.safetensors", "progress.json"
AVERAGE, HASHES = "average.safetensors", "sha256.json"
Tensors = dict[str, torch.Tensor]


@dataclass
class Progress:
    """Position of a run. Order, dropout and learning rate follow from `update` and the seed, so no more is needed."""

    update: int = 0
    """Updates done, in all phases."""
    phases: list[PhaseDone] = field(default_factory=list)
    """Those that have begun; the last one goes on."""
    best_score: float | None = None
    best_update: int | None = None
    n_without_gain: int = 0
    """Evaluations since the best."""
    validation: dict[str, float] = field(default_factory=dict)
    """The last evaluation."""
    finished: bool = False
    n_skipped: int = 0
    """Updates left out because their loss or gradient was not finite."""
    n_skipped_in_a_row: int = 0
    micro_batch_tokens: int | None = None
    """train.micro_batch_tokens after planning, and after each halving when memory ran out."""
    interrupted: bool = False
    """Whether a signal stopped the run, until it goes on."""
    stopped_by: str | None = None
    """The signal that stopped the run, SIGINT or SIGTERM, until it goes on; or the callback that ended it, and why."""
    train_s: float = 0.0
    checkpoint_s: float = 0.0
    """Time spent on writing checkpoints, of those that the run did not lose."""
    n_examples: int = 0


@dataclass(frozen=True)
class State:
    """The values that a checkpoint holds."""

    weights: Tensors
    """Of all parameters that any phase trains, by name."""
    moments: Tensors
    """The optimizer's state by parameter name: "net.classifier.weight.exp_avg"."""
    best: Tensors | None = None
    """As `weights`, of the best state so far, if one is kept."""
    average: Tensors | None = None
    """As `weights`, the mean of states, if there is one (train.average)."""


def save(folder: Path, state: State, progress: Progress, n_kept: int = 1, *, is_main: bool = True) -> None:
    """Writes a checkpoint beside its final folder, renames it when all is on disk, and removes the oldest ones.

    Args:
        folder: of the checkpoint; an existing one is replaced.
        state: what to write.
        progress: the position.
        n_kept: number of checkpoints that stay, this one included.
        is_main: whether this process writes; if the model is sharded, all processes must call this.

    Raises:
        TrainingError: it cannot be written, for example on a full disk; earlier checkpoints are kept.
    """
    parts = {WEIGHTS: state.weights, OPTIMIZER: state.moments, BEST: state.best, AVERAGE: state.average}
    found = {name: _gathered(part, keep=is_main) for name, part in parts.items() if part is not None}
    if not is_main:
        return
    aside = files.aside(folder)
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        _write(aside, found, progress)
        files.replace_folder(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise TrainingError(
            f"the checkpoint {folder} cannot be written: {files.system_refusal(error) or error}; earlier ones are "
            "kept: once that is mended, nlptl train --resume RUN goes on"
        ) from error
    for path in _newest_first(folder.parent)[n_kept:]:
        shutil.rmtree(path, ignore_errors=True)


def load(folder: Path) -> tuple[State, Progress]:
    """Returns a checkpoint's content.

    Raises:
        InputError: it is damaged, or a newer nlptl wrote it.
    """
    wrong = damage(folder)
    if wrong:
        raise InputError(f"the checkpoint {folder} is damaged: {wrong}")
    progress = _progress(folder / PROGRESS)
    best, average = (load_file(folder / name) if (folder / name).exists() else None for name in (BEST, AVERAGE))
    return State(load_file(folder / WEIGHTS), load_file(folder / OPTIMIZER), best, average), progress


def from_main(folder: Path, compute: Compute) -> tuple[State, Progress]:
    """Returns a checkpoint's content in every process; only the main process reads it, perhaps from its own disk.

    Raises:
        InputError: as `load`.
    """
    if compute.n_processes == 1:
        return load(folder)
    own: dict[str, Tensors] = {}

    def read() -> str:
        state, progress = load(folder)
        own.update({part: tensors for part, tensors in vars(state).items() if tensors is not None})
        shapes = {part: [[n, _name(t.dtype), t.shape] for n, t in tensors.items()] for part, tensors in own.items()}
        return json.dumps({"progress": asdict(progress), "shapes": shapes})

    told = json.loads(compute.from_main(read))
    found: dict[str, Tensors] = {part: {} for part in told["shapes"]}
    for part, tensors in told["shapes"].items():
        for name, dtype, shape in tensors:
            tensor = own[part].pop(name) if compute.is_main else torch.empty(shape, dtype=getattr(torch, dtype))
            found[part][name] = compute.tensor_from_main(tensor)
    return State(**found), _progress_of(told["progress"])


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def named(state: State, model: Model) -> State:
    """Returns the state with optimizer values by parameter name; older checkpoints have them by parameter number.

    Args:
        state: as `load` returns it.
        model: has `requires_grad` on what the checkpoint's run trained.
    """
    if not any(key.partition(".")[0].isdigit() for key in state.moments):
        return state
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    names = [name for name, _ in sorted(trained, key=lambda own: own[1].ndim <= 1)]  # the matrices came first
    parts = ((*key.split("."), key) for key in state.moments)
    return replace(state, moments={f"{names[int(i)]}.{name}": state.moments[key] for i, name, key in parts})


def damage(folder: Path) -> str | None:
    """Returns what is wrong with a checkpoint's files; None if all match their hashes."""
    try:
        hashes = json.loads((folder / HASHES).read_text(encoding="utf-8"))
        found = {path.name for path in folder.iterdir()} - {HASHES} | {WEIGHTS, OPTIMIZER, PROGRESS}
        wrong = [name for name in sorted(found | set(hashes)) if sha256_of(folder / name) != hashes.get(name)]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        return str(error)
    return f"{wrong[0]} is not what was written" if wrong else None


def _progress(path: Path) -> Progress:
    values, known = json.loads(path.read_text(encoding="utf-8")), Progress.__dataclass_fields__
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(f"{path} has {unknown[0]!r}, which this nlptl does not know: a newer one wrote it, update")
    return _progress_of(values)


def _progress_of(values: dict[str, Any]) -> Progress:
    """Returns the position that was written as these values."""
    return Progress(**values | {"phases": [PhaseDone(**done) for done in values.get("phases", ())]})


def clear(folder: Path) -> None:
    """Removes the checkpoints below a folder."""
    for path in folder.glob("update-*"):
        shutil.rmtree(path, ignore_errors=True)


def latest(folder: Path, say: Callable[[str], None] | None = None) -> Path | None:
    """Returns the newest undamaged checkpoint in a folder, or None; damaged ones are removed.

    Args:
        folder: of the checkpoints.
        say: called with a message for each damaged checkpoint.
    """
    for path in _newest_first(folder):
        wrong = damage(path)
        if wrong is None:
            return path
        if say:
            say(f"the checkpoint {path} is damaged ({wrong}) and not used: the run goes on from an earlier state")
        shutil.rmtree(path, ignore_errors=True)
    return None


def update_of(folder: Path) -> int:
    """Returns the number of updates done at a checkpoint."""
    return int(folder.name.removeprefix("update-"))


def _newest_first(folder: Path) -> list[Path]:
    return sorted((p for p in folder.glob("update-*") if re.fullmatch(r"update-\d+", p.name)), reverse=True)


def _write(folder: Path, files: dict[str, Tensors], progress: Progress) -> None:
    for name, tensors in files.items():
        save_file(tensors, folder / name)
    (folder / PROGRESS).write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
    hashes = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
    (folder / HASHES).write_text(json.dumps(hashes, indent=1), encoding="utf-8")


def _gathered(tensors: Tensors, *, keep: bool) -> Tensors:
    """Returns the tensors whole on processes that keep them, none on the others."""
    found = {}
    for name, tensor in tensors.items():
        value = whole(tensor)
        if keep:
            found[name] = value.cpu().contiguous()
    return found
