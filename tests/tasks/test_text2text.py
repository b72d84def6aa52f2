"""Written answers: targets, what is cut of them, and the way back to a text."""

import pytest

from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Corpus, Example, Finding, Pretrained
from nlptl.models import loading
from nlptl.tasks.text2text import UNKNOWN, Text2Text
from tests import tiny

TASK = Text2Text()
LONG = " ".join(tiny.WORDS)


@pytest.fixture(params=["t5", "bart"])
def pretrained(request, tiny_folders):
    config = ModelConfig(name=str(tiny_folders[request.param]), max_written=8, max_length=24)
    return loading.load(config, loading.Wanted("text", TASK.label_space([], None)), seed=1)


def rows(*targets: str) -> list[Example]:
    return [Example(i, "the film is good", None, target) for i, target in enumerate(targets)]


def test_a_target_ends_with_the_end_token_and_a_cut_one_does_not(pretrained):
    labels = TASK.encode(rows("good", LONG), pretrained).labels
    end = pretrained.tokenizer.eos_token_id
    assert labels.shape[1] == 8
    assert [i for i in labels[0] if i != UNKNOWN][-1] == end
    assert labels[1, -1] not in (UNKNOWN, end)


def findings(examples: list[Example], pretrained: Pretrained) -> list[Finding]:
    features = {"train": TASK.encode(examples, pretrained)}
    return TASK.findings(features, Corpus({"train": examples}, None, {}, ()), pretrained)


def test_cut_targets_are_counted(pretrained):
    examples = rows("good", LONG, "bad", LONG)
    found = TASK.findings(
        {"train": TASK.encode(examples, pretrained)}, Corpus({"train": examples}, None, {}, ()), pretrained
    )
    assert [(f.kind, f.n) for f in found] == [("cut_targets", 2)]
    assert "2 train rows have a target of more than 8 tokens" in found[0].message
    assert "--model.max_written" in found[0].message
    short = rows("good", "bad")
    assert (
        TASK.findings({"train": TASK.encode(short, pretrained)}, Corpus({"train": short}, None, {}, ()), pretrained)
        == []
    )


def test_tokens_become_texts_without_special_ones(pretrained):
    examples = rows("good film", "the end")
    features = TASK.encode(examples, pretrained)
    outputs = features.labels.copy()
    outputs[outputs == UNKNOWN] = pretrained.tokenizer.pad_token_id
    found = TASK.decode(outputs, features, examples, pretrained)
    assert [p.prediction.replace(" ", "") for p in found] == ["goodfilm", "theend"]


def test_a_prefix_is_put_before_each_text(pretrained):
    plain = TASK.encode([Example(0, "sum: good", None, "x")], pretrained)
    prefixed = Text2Text(prefix="sum: ").encode([Example(0, "good", None, "x")], pretrained)
    assert prefixed.input_ids.tolist() == plain.input_ids.tolist()


def test_texts_cannot_be_balanced(pretrained):
    features = TASK.encode(rows("good"), pretrained)
    with pytest.raises(InputError, match="texts have no classes to balance"):
        TASK.weights(features, pretrained.labels, "balanced")
