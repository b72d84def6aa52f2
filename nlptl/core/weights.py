"""Trained parameters in files; a file without exactly the expected tensors is an error that names the parameter."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nlptl.core.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

HEAD_FILE = "head.safetensors"
"""File of a linear head; the encoder is saved separately, or only named."""
DENSE_FILE = "2_Dense/model.safetensors"
"""The same in a folder that sentence-transformers loads."""
PREFIXES = {HEAD_FILE: "", DENSE_FILE: "linear."}
"""What the names of parameters begin with in both files."""

Shapes = Mapping[str, Sequence[int]]


def layer_of(name: str) -> int | None:
    """Returns the layer index in the name of a parameter or module; None if it is in no layer."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def head_file(folder: Path) -> str | None:
    """Returns the name of the file with a linear head in a folder; None if there is none."""
    return next((name for name in PREFIXES if (folder / name).exists()), None)


def save_head(head: "nn.Module", folder: Path, file: str = HEAD_FILE) -> None:
    """Writes a linear head into a file of a folder."""
    from safetensors.torch import save_file

    prefix = PREFIXES.get(file, "")
    (folder / file).parent.mkdir(exist_ok=True)
    save_file({prefix + name: value.contiguous() for name, value in head.state_dict().items()}, folder / file)


def load_head(head: "nn.Module", folder: Path, file: str = HEAD_FILE) -> None:
    """Loads the file written by `save_head` into a head of the same shape.

    Raises:
        InputError: the file is missing or damaged, or has another shape.
    """
    prefix = PREFIXES.get(file, "")
    found = read(folder / file, {prefix + name: value.shape for name, value in head.state_dict().items()})
    head.load_state_dict({name.removeprefix(prefix): value for name, value in found.items()})


def read(path: Path, wanted: Shapes) -> "dict[str, Tensor]":
    """Returns the tensors of a safetensors file.

    Args:
        path: the file.
        wanted: name and shape of every tensor that the file must have; it may have no others.

    Raises:
        InputError: the file is missing or damaged, or does not have exactly these tensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is missing or damaged: {error}") from error
    refuse_others(path, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, wanted)
    refuse_not_finite(path, tensors.items())
    return tensors


def refuse_others(place: object, found: Shapes, wanted: Shapes) -> None:
    """Checks the names and shapes of parameters.

    Args:
        place: where the parameters were found, for the message.
        found: the shapes found, by name.
        wanted: the shapes that the model needs, by name.

    Raises:
        InputError: a parameter is missing, has another shape, or is unknown to the model.
    """
    refuse_missing(place, (name for name in wanted if name not in found))
    for name, shape in found.items():
        if name in wanted and tuple(shape) != tuple(wanted[name]):
            raise InputError(
                f"{place} has the parameter {name!r} in the shape {tuple(shape)}, the model needs {tuple(wanted[name])}"
                f"{ADVICE}"
            )
    refuse_unknown(place, (name for name in found if name not in wanted))


def refuse_missing(place: object, names: Iterable[str]) -> None:
    """Raises an InputError if `names`, the parameters missing in a place, is not empty."""
    if lacks := sorted(names):
        raise InputError(f"{place} lacks {_some(lacks)}{ADVICE}")


def refuse_unknown(place: object, names: Iterable[str]) -> None:
    """Raises an InputError if `names`, the parameters in a place that the model does not have, is not empty."""
    if left_out := sorted(names):
        raise InputError(f"{place} also has {_some(left_out)}, which the model does not have{ADVICE}")


def refuse_not_finite(place: object, tensors: "Iterable[tuple[str, Tensor]]") -> None:
    """Raises an InputError if a parameter holds NaN or an infinite value.

    Args:
        place: where the parameters were found, for the message.
        tensors: names and values.
    """
    for name, tensor in tensors:
        # A sum is 40 times faster than checking each value, so values are checked only if the sum is not finite.
        if not tensor.sum().isfinite() and not tensor.isfinite().all():
            raise InputError(f"{place}: the parameter {name!r} is not finite (NaN or infinite){ADVICE}")


ADVICE = ": the artifact is damaged or was edited; take an undamaged copy, or train again"


def _some(names: Sequence[str]) -> str:
    return f"the parameter {names[0]!r}" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
