"""Whole updates as CUDA graphs: of small models and batches, launching kernels takes longer than running them.

A graph repeats what it recorded on the same memory, so its batches must have the same shape. They get it from a last
sequence without weight that fills the tokens up to one of few numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch

from nlptl.core.config import TrainConfig
from nlptl.core.errors import InputError
from nlptl.core.protocols import Model
from nlptl.core.records import Batch
from nlptl.engine import optim
from nlptl.engine.device import Compute

Update = Callable[[Batch, torch.Tensor], torch.Tensor]
Run = Callable[[], torch.Tensor]
SMALLEST_STEP, STEPS = 64, 16  # numbers of tokens are multiples of 64, and of a sixteenth of the power of two below


def wanted(config: TrainConfig, model: Model, compute: Compute) -> bool:
    """Returns whether updates are recorded.

    Raises:
        InputError: train.cuda_graph is set, but updates cannot be recorded.
    """
    if not config.cuda_graph:
        return False
    dtype = torch.bfloat16 if compute.bf16 else torch.float32
    reasons = {
        "bf16 on a GPU that has flash attention for the model": not model.alone_on(compute.device, dtype),
        "a single process": compute.n_processes > 1,
        "a model that runs without padding": not model.packs(),
        "a task with one vector a row, not one a token": model.per_token(),
        "layers to train, not a head alone": model.cut() == model.depth(),
        "train.gradient_checkpointing false": config.gradient_checkpointing,
        "train.r_drop 0": config.r_drop > 0,
        "a torch whose AdamW scales gradients on the way": not optim.scales_on_the_way(),
    }
    missing = [what for what, is_missing in reasons.items() if is_missing]
    if missing:
        raise InputError(f"train.cuda_graph needs {' and '.join(missing)}: leave it out")
    return True


class Graphs:
    """Computes updates; from the second update of a shape on, it replays a graph.

    Args:
        update: from a batch and what each row weighs to what the host is told, all of it on the device.
        recorder: runs what will be recorded, and records it.
    """

    def __init__(self, update: Update, recorder: "Recorder | None" = None) -> None:
        self._update = update
        self._recorder = recorder or Recorder()
        self._seen: set[tuple[int, int]] = set()
        self._recorded: dict[tuple[int, int], _Recorded] = {}

    def __call__(self, batch: Batch, weights: torch.Tensor) -> torch.Tensor:
        """Returns what `update` does."""
        batch, weights = filled(batch), torch.nn.functional.pad(weights, (0, 1))
        shape = (len(batch.positions), batch.longest)
        if shape not in self._seen:  # kernels are chosen, and the optimizer's state is made, outside of a graph
            self._seen.add(shape)
            return self._recorder.prepare(lambda: self._update(batch, weights))
        if shape not in self._recorded:
            self._recorded[shape] = self._new(batch, weights)
        recorded = self._recorded[shape]
        recorded.copy(batch, weights)
        recorded.replay()
        return recorded.result

    def _new(self, batch: Batch, weights: torch.Tensor) -> "_Recorded":
        own = replace(batch, **{name: tensor.clone() for name, tensor in _tensors(batch)})  # type: ignore[arg-type]
        own_weights = weights.clone()
        replay, result = self._recorder.record(lambda: self._update(own, own_weights))
        return _Recorded(own, own_weights, replay, result)


@dataclass(frozen=True)
class _Recorded:
    batch: Batch
    weights: torch.Tensor
    replay: Callable[[], None]
    result: torch.Tensor

    def copy(self, batch: Batch, weights: torch.Tensor) -> None:
        for (_, own), (_, given) in zip(_tensors(self.batch), _tensors(batch), strict=True):
            own.copy_(given)
        self.weights.copy_(weights)


class Recorder:
    """Records CUDA graphs; they share memory, so one runs at a time."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()
        self._aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def prepare(self, run: Run) -> torch.Tensor:
        """Returns the result of what will be recorded, computed beside the main stream, as it will be then."""
        main = torch.cuda.current_stream()
        self._aside.wait_stream(main)
        with torch.cuda.stream(self._aside):
            result = run()
        main.wait_stream(self._aside)
        return result

    def record(self, run: Run) -> tuple[Callable[[], None], torch.Tensor]:
        """Returns what repeats a computation, without having run it, and the result that each repetition overwrites."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._aside):
            result = run()
        return graph.replay, result


def filled(batch: Batch) -> Batch:
    """Returns a batch with one more sequence, so that its shape is one of few; the sequence's outputs mean nothing."""
    n_tokens, step = len(batch.positions), SMALLEST_STEP
    while step * STEPS <= n_tokens // 2:
        step *= 2
    n_more = step - n_tokens % step
    more = {
        "input_ids": batch.input_ids[:1].expand(n_more),
        "positions": batch.positions.new_zeros(n_more),
        "lengths": torch.tensor([n_more]),
        "boundaries": batch.boundaries[-1:] + n_more,
        "labels": batch.labels[:1],
        "rows": batch.rows[:1],
    }
    if batch.token_type_ids is not None:
        more["token_type_ids"] = batch.token_type_ids.new_zeros(n_more)
    if batch.draws is not None:
        more["draws"] = batch.draws[:1]
    if batch.states is not None:
        more["states"] = batch.states[:1].expand(n_more, -1)
    together = {name: torch.cat((getattr(batch, name), end)) for name, end in more.items()}
    return replace(batch, **together, longest=max(step, -(-batch.longest // SMALLEST_STEP) * SMALLEST_STEP))


def _tensors(batch: Batch) -> list[tuple[str, torch.Tensor]]:
    values = ((field.name, getattr(batch, field.name)) for field in fields(batch))
    return [(name, value) for name, value in values if isinstance(value, torch.Tensor)]
