"""The values that checkpoints and the best state hold: all parameters that any phase trains."""

from collections.abc import Collection

import torch

from nlptl.core.errors import InputError
from nlptl.core.protocols import Model
from nlptl.engine.checkpoint import Tensors
from nlptl.engine.sharding import divided, whole
from nlptl.engine.used_rows import UsedRows


class Kept:
    """Copies these values from a model and back.

    A state of an early phase also holds what only later phases train: they may have changed it when the state is
    wanted again. Of a token embedding whose used rows are trained it holds these rows, in all phases.

    Args:
        model: that is trained, whole.
        names: of the parameters that any phase trains.
        used_rows: of the model's token embedding.
    """

    def __init__(self, model: Model, names: Collection[str], used_rows: UsedRows) -> None:
        self._model, self._names, self._used_rows = model, frozenset(names), used_rows

    def of(self, model: Model) -> Tensors:
        """Returns the values of the model, or of its double that is divided over processes, by name.

        They are the model's own tensors, but for used rows that are not trained now.
        """
        own = ((name, p) for name, p in model.named_parameters() if name in self._names)
        return {name: self._used_rows.packed(p).detach() for name, p in own}

    def copy(self, model: Model) -> Tensors:
        """Returns a copy of these values."""
        return {name: tensor.clone() for name, tensor in self.of(model).items()}

    def put(self, state: Tensors) -> None:
        """Copies values into the whole model.

        Raises:
            InputError: they are of other parameters.
        """
        own = {name: p for name, p in self._model.named_parameters() if name in self._names}
        if state.keys() != own.keys():
            other = sorted(state.keys() ^ own.keys())[:3]
            raise InputError(f"the checkpoint holds other parameters than this run trains, for example {other}")
        with torch.no_grad():
            for name, tensor in state.items():
                self._used_rows.put(whole(tensor), own[name])

    def placed(self, state: Tensors, model: Model) -> Tensors:
        """Returns values divided over the processes like those of a model."""
        own = self.of(model)
        return {name: divided(whole(tensor), own[name]) for name, tensor in state.items()}
