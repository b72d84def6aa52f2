"""Every task x family x method on tiny models: it trains, what is frozen stays, and what was trained is what loads."""

import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nlptl.core import kinds, registry
from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.recipe import Recipe
from nlptl.core.records import Answer, Example, Pretrained
from nlptl.engine import inference, loop
from nlptl.engine.prefix import Prefix
from nlptl.engine.store import Store
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe
from nlptl.models import loading
from nlptl.runs import artifact
from nlptl.tasks.classification import Classification
from nlptl.tasks.extractive_qa import ExtractiveQA
from nlptl.tasks.regression import Regression
from nlptl.tasks.sentiment import Sentiment
from nlptl.tasks.text2text import Text2Text
from nlptl.tasks.token_classification import TokenClassification
from tests import tiny

N = 24
METHODS = {
    "full": Full(),
    "partial": Partial(layers="last:1"),
    "probe": Probe(),
    "lora": LoRA(rank=2),
    "adapter": Adapter(bottleneck=4),
}
TASKS: dict[str, Any] = {
    "sentiment": Sentiment(),
    "one": Classification(),
    "focal": Classification(loss="focal"),
    "windows": Classification(long="window", overlap=2),
    "several": Classification(labels="several"),
    "number": Regression(),
    "ordinal": Regression(loss="ordinal"),
    "tags": TokenClassification(overlap=2),
    "span": ExtractiveQA(overlap=2, max_question=4),
    "text": Text2Text(),
}
FAMILIES = registry.names("family")
LENGTHS = {"windows": 10, "tags": 10, "span": 14}


def texts(seed: int, longest: int = 16) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(tiny.WORDS, size=random.integers(2, longest + 1))) for _ in range(N)]


def rows(name: str) -> list[Example]:
    """Returns examples for a task."""
    task, found = TASKS[name], []
    for i, (text, other) in enumerate(zip(texts(0), texts(1), strict=True)):
        words = text.split()
        label: Any = {
            "class": "abc"[i % 3],
            "classes": tuple(x for x in "abc" if (i + ord(x)) % 2),
            "number": float(i % 4),
            "tags": tuple(
                "B-X" if w.startswith("a") else "I-X" if k and words[k - 1][0] == "a" else "O"
                for k, w in enumerate(words)
            ),
            "span": (Answer(words[-1], len(text) - len(words[-1])),) if i % 3 else (),
            "text": other,
        }[task.output]
        if task.output == "span":
            found.append(Example(i, other, text, label))
        else:
            starts = np.cumsum([0, *(len(w) + 1 for w in words)])
            offsets = tuple((int(s), int(s) + len(w)) for s, w in zip(starts, words, strict=False))
            found.append(Example(i, text, None, label, offsets if task.output == "tags" else None))
    return found


def load(name: str, folder: Path, method: Any, **fields: Any) -> Pretrained:
    task = TASKS[name]
    labels = task.label_space(rows(name), None)
    config = ModelConfig(name=str(folder), max_length=LENGTHS.get(name, 32), max_written=8, **fields)
    wanted = loading.Wanted(task.output, labels, method.default_pooling)
    pretrained = loading.load(config, wanted, seed=1)
    torch.manual_seed(2)
    method.prepare(pretrained)
    return pretrained


def makes_sense(name: str, family: str, method: str) -> bool:
    output = TASKS[name].output
    cls = registry.load("family", family)
    if method == "partial" and family in ("t5", "bart") and output not in ("tags", "span"):
        return False  # no single stack of layers
    return kinds.of(output).head not in cls.refused and not (output == "text" and method == "probe")


def cases() -> list[Any]:
    found = [(t, f, m) for t in TASKS for f in FAMILIES for m in METHODS]
    return [pytest.param(*case, id="-".join(case)) for case in found if makes_sense(*case)]


def answers(name: str, pretrained: Pretrained) -> np.ndarray:
    return inference.answers(pretrained.module, TASKS[name].encode(rows(name), pretrained), tiny.fp32())


@dataclass
class Trained:
    """A case after three updates."""

    pretrained: Pretrained
    before: dict[str, torch.Tensor]
    losses: list[float]
    folder: Path


def train(name: str, pretrained: Pretrained, method: Any, folder: Path) -> Trained:
    task, before = TASKS[name], tiny.state(pretrained.module)
    features = task.encode(rows(name), pretrained)
    weights = task.weights(features, pretrained.labels, "none")
    losses: list[float] = []
    if pretrained.output in getattr(method, "solves", ()):
        prefix = Prefix(pretrained.module, features, tiny.fp32(), Store(1.0, None))
        method.fit_head(pretrained, prefix.vectors.numpy(), features, weights, 0)
    else:
        job, _ = tiny.job(pretrained, folder / "checkpoints", tiny.train_config(weight_decay=0.0), tiny.examples())
        likelihood = pretrained.module.is_likelihood
        job = replace(
            job,
            features=features,
            weights=weights,
            losses=partial(task.losses, smoothing=0.0, likelihood=likelihood),
            callbacks=[tiny.Told(losses)],
        )
        assert loop.train(job, tiny.fp32()).update == 3
    artifact.save(folder / "model", pretrained, Recipe(task=task, method=method), {"text": "text"})
    return Trained(pretrained, before, losses, folder / "model")


@pytest.mark.parametrize(("name", "family", "method"), cases())
def test_a_task_trains_and_what_was_trained_is_what_loads(name, family, method, tiny_folders, tmp_path):
    pretrained = load(name, tiny_folders[family], METHODS[method])
    start = answers(name, pretrained)
    run = train(name, pretrained, METHODS[method], tmp_path)
    after, trainable = tiny.state(pretrained.module), tiny.trainable(pretrained.module)
    assert {n for n in after if not torch.equal(run.before[n], after[n])} == trainable
    assert np.isfinite(run.losses).all()
    found = answers(name, pretrained)
    if name != "text":  # a text may well stay as it was
        assert np.abs(found - start).max() > 1e-4
    torch.manual_seed(99)
    loaded, task, _, _ = artifact.load(run.folder)
    assert task == TASKS[name]
    np.testing.assert_array_equal(answers(name, loaded), found)
    predictions = task.decode(found, task.encode(rows(name), loaded), rows(name), loaded)
    assert [p.row_id for p in predictions] == list(range(N))


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_makes_no_sense_is_refused_with_the_reason(name, family, tiny_folders):
    refused, head = registry.load("family", family).refused, kinds.of(TASKS[name].output).head
    if head in refused:
        with pytest.raises(InputError, match=re.escape(refused[head])):
            load(name, tiny_folders[family], Full())
    elif TASKS[name].output == "text":
        with pytest.raises(InputError, match="probe fits a linear head"):
            load(name, tiny_folders[family], Probe())
    else:
        assert load(name, tiny_folders[family], Full()).output == TASKS[name].output
