"""How much each input token adds to an output of the model: integrated gradients (Sundararajan et al. 2017)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from nlptl.core.protocols import Model
from nlptl.core.records import Features
from nlptl.engine.batching import collate
from nlptl.engine.device import Compute
from nlptl.engine.prefix import at_once

FEWEST_STEPS, MOST_STEPS = 32, 1024
RELATIVE, ABSOLUTE = 0.02, 1e-3
"""Largest completeness error: a share of the difference to the baseline, or this much if the share is less."""


class Question(NamedTuple):
    """What is attributed to the tokens."""

    value: Callable[[torch.Tensor], torch.Tensor]
    """Maps the model's outputs (n, ...) to the numbers to explain, (n,)."""
    baseline: int
    """The token whose embedding stands for a missing token."""
    replaced: np.ndarray
    """bool (n_tokens,): the tokens that the baseline replaces; it keeps the others."""


class Attribution(NamedTuple):
    """What each token adds to the value, between the baseline and the text."""

    tokens: np.ndarray
    """float64 (n_tokens,); they add up to `value - baseline`, up to `error`."""
    value: float
    """Of the text: the mean over its features."""
    baseline: float
    """The value if all replaced tokens are the baseline token."""
    n_steps: int

    @property
    def error(self) -> float:
        """The sum of the attributions minus the difference that it should be: the error of completeness."""
        return float(self.tokens.sum()) - (self.value - self.baseline)

    @property
    def is_complete(self) -> bool:
        """Whether the error is small enough."""
        return abs(self.error) <= max(RELATIVE * abs(self.value - self.baseline), ABSOLUTE)


def attribute(model: Model, features: Features, question: Question, compute: Compute) -> Attribution:
    """Returns the integrated gradients of one text (Sundararajan et al. 2017, equation 1).

    The integral is their equation 3, a sum over equal steps, but with half the weight on the first and the last point
    (trapezoidal rule): doubling the steps then keeps all points. Steps are doubled until the attributions are complete.

    Args:
        model: is put in eval mode.
        features: of one example; if it has several, its value is the mean of theirs.
        question: what is explained.
        compute: device; always in float32.
    """
    model.eval()
    lines = [_Line(model, features, i, question, compute.exact()) for i in range(len(features))]
    ends = [line.slopes(np.array([0.0, 1.0])) for line in lines]
    start, end = np.mean([values for values, _ in ends], axis=0)
    sums = [slopes.mean(0) for _, slopes in ends]
    n, points = FEWEST_STEPS, np.arange(1, FEWEST_STEPS) / FEWEST_STEPS
    while True:
        sums = [total + line.slopes(points)[1].sum(0) for total, line in zip(sums, lines, strict=True)]
        found = Attribution(np.concatenate(sums) / (n * len(lines)), float(end), float(start), n)
        if found.is_complete or n >= MOST_STEPS:
            return found
        points, n = (2 * np.arange(n) + 1) / (2 * n), 2 * n


class _Line:
    """The straight line from the baseline's embeddings to those of one feature."""

    def __init__(self, model: Model, features: Features, row: int, question: Question, compute: Compute) -> None:
        self._model, self._features, self._row = model, features, row
        self._question, self._compute = question, compute
        tokens = slice(features.offsets[row], features.offsets[row + 1])
        self._replaced = torch.from_numpy(question.replaced[tokens]).to(compute.device)

    def slopes(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the values at points of the line, float64 (n,), and the part of each token in their slope.

        The part is (x - x') * gradient, summed over the embedding: float64 (n, tokens).

        Args:
            points: float64 (n,): 0 is the baseline, 1 the feature.
        """
        n_at_once = max(1, at_once(self._compute) // len(self._replaced))
        parts = [self._some(points[i : i + n_at_once]) for i in range(0, len(points), n_at_once)]
        values, slopes = zip(*parts, strict=True)
        return np.concatenate(values), np.concatenate(slopes)

    def _some(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        device = self._compute.device
        batch = collate(self._features, np.full(len(points), self._row), device)
        tokens, places = batch.input_ids.view(len(points), -1), torch.from_numpy(points).float().to(device)
        between = _Between(tokens, places, self._replaced, self._question.baseline)
        with torch.enable_grad(), self._compute.autocast(), between.on(self._model):
            values = self._question.value(self._model(batch).float())
            (gradients,) = torch.autograd.grad(values.sum(), between.embedded)
        slopes = (gradients.double() * between.way).sum(-1)  # (n, tokens)
        return values.detach().double().cpu().numpy(), slopes.cpu().numpy()


class _Between:
    """Puts points between the baseline and the input in place of the token embeddings.

    A decoder that reads the text shifted by one token gets the same points, shifted.

    Args:
        tokens: int64 (n, tokens): the input, once for each point.
        points: float32 (n,).
        replaced: bool (tokens,), as `Question.replaced`.
        baseline: as `Question.baseline`.
    """

    way: torch.Tensor
    """(n, tokens, width): from the baseline to the input."""
    embedded: torch.Tensor
    """(n, tokens, width): what the encoder reads."""

    def __init__(self, tokens: torch.Tensor, points: torch.Tensor, replaced: torch.Tensor, baseline: int) -> None:
        self._tokens, self._points = tokens, points
        self._replaced, self._baseline = replaced, baseline

    @contextmanager
    def on(self, model: Model) -> Iterator[None]:
        """Replaces the outputs of the embedding, and of those that share its weights, within the block."""
        weight = model.token_embedding().weight
        sharing = [m for m in model.modules() if isinstance(m, nn.Embedding) and m.weight is weight]
        hooks = [module.register_forward_hook(self._replace) for module in sharing]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _replace(self, module: nn.Embedding, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        tokens = given[0]
        if tokens.numel() != self._tokens.numel():
            return output
        tokens, found = tokens.view_as(self._tokens), output.view(*self._tokens.shape, -1)
        if torch.equal(tokens, self._tokens):
            return self._start(module, found.detach()).view_as(output)
        if torch.equal(tokens[:, 1:], self._tokens[:, :-1]):
            return torch.cat([found[:, :1], self.embedded[:, :-1]], dim=1).view_as(output)
        return output

    def _start(self, module: nn.Embedding, found: torch.Tensor) -> torch.Tensor:
        missing = module.forward(self._tokens.new_full((1, 1), self._baseline)).detach()
        self.way = (found - missing) * self._replaced[:, None]
        self.embedded = (found - (1 - self._points[:, None, None]) * self.way).requires_grad_()
        return self.embedded
