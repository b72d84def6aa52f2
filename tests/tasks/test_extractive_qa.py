"""Questions with contexts: windows, where the answer lies in them, and the way back from logits to the user's text."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional

from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Answer, Corpus, Example
from nlptl.models import loading
from nlptl.tasks.extractive_qa import ExtractiveQA
from tests import tiny

CONTEXT = "the film is good and the end is great but the music is not bad at all and the light is warm"
TASK = ExtractiveQA(overlap=3, max_question=4)


@pytest.fixture(params=tiny.FAMILIES)
def pretrained(request, tiny_folders):
    config = ModelConfig(name=str(tiny_folders[request.param]), max_length=20)
    return loading.load(config, loading.Wanted("span", TASK.label_space([], None)), seed=1)


def asking(answer: str | None, context: str = CONTEXT, question: str = "what is good") -> Example:
    answers = () if answer is None else (Answer(answer, context.find(answer)),)
    return Example(0, question, context, answers)


def sure(features, start: int, end: int) -> np.ndarray:
    """Returns logits that are sure of the token that starts and of the one that ends some characters."""
    logits = np.full((len(features.input_ids), 2), -5.0, np.float32)
    logits[features.spans[:, 0] == start, 0] = 5.0
    logits[features.spans[:, 1] == end, 1] = 5.0
    return logits


@pytest.mark.parametrize("answer", ["the film", "music is not", "good", "warm"])
def test_the_labelled_tokens_cover_exactly_the_answer(answer, pretrained):
    features = TASK.encode([asking(answer)], pretrained)
    assert len(features) > 1
    held = [i for i in range(len(features)) if features.labels[i, 1] > 0]
    assert held
    for i in held:
        first, last = features.offsets[i] + features.labels[i]
        assert CONTEXT[features.spans[first, 0] : features.spans[last, 1]] == answer
    assert all((features.labels[i] == 0).all() for i in range(len(features)) if i not in held)


@pytest.mark.parametrize("answer", ["the film", "music is not", "warm"])
def test_sure_logits_give_the_answer_with_its_characters(answer, pretrained):
    example = asking(answer)
    features = TASK.encode([example], pretrained)
    start = CONTEXT.find(answer)
    found = TASK.decode(sure(features, start, start + len(answer)), features, [example], pretrained)[0]
    assert found.prediction == answer
    best = found.spans[0]
    assert (best["text"], best["start"], best["end"]) == (answer, start, start + len(answer))
    assert found.scores["answer"] == pytest.approx(1.0, abs=1e-3)
    assert [s["score"] for s in found.spans] == sorted((s["score"] for s in found.spans), reverse=True)


def test_no_answer_and_answers_that_the_context_lacks_label_the_first_token(pretrained):
    for example in (asking(None), Example(0, "what", CONTEXT, (Answer("elephant", -1),)), Example(0, "what", CONTEXT)):
        assert (TASK.encode([example], pretrained).labels == 0).all()


def test_answers_that_no_window_holds_are_counted(pretrained):
    long = CONTEXT[: CONTEXT.find(" and the light")]
    rows = [asking("good"), asking(long), asking(None)]
    features = {"train": TASK.encode(rows, pretrained)}
    found = TASK.findings(features, Corpus({"train": rows}, None, {}, ()), pretrained)
    assert [(f.kind, f.n, f.severity) for f in found] == [("lost_answers", 1, "warning")]
    assert all(fact in found[0].message for fact in ("1 train rows", "window", "--model.max_length", "--task.overlap"))
    held = {"train": TASK.encode(rows[:1], pretrained)}
    assert TASK.findings(held, Corpus({"train": rows[:1]}, None, {}, ()), pretrained) == []


def test_blanks_around_an_answer_do_not_make_it_unanswerable(pretrained):
    start = CONTEXT.find(" good ")
    padded = Example(0, "what", CONTEXT, (Answer(" good ", start),))
    expected = TASK.encode([asking("good", question="what")], pretrained)
    np.testing.assert_array_equal(TASK.encode([padded], pretrained).labels, expected.labels)


def test_without_overlap_every_character_is_still_read_and_lost_answers_are_counted(pretrained):
    task, rows = (
        ExtractiveQA(overlap=0, max_question=4),
        [asking(w) for w in ("the film is good", "great but the", "warm")],
    )
    features = task.encode(rows, pretrained)
    covered = {int(c) for a, b in features.spans if a >= 0 for c in range(a, b)}
    assert covered == {i for i, c in enumerate(CONTEXT) if c != " "}
    held = [(features.labels[features.example == i, 1] > 0).any() for i in range(3)]
    lost = task.findings({"train": features}, Corpus({"train": rows}, None, {}, ()), pretrained)
    assert sum(f.n for f in lost) == 3 - sum(held)


def test_a_long_question_is_cut_and_the_context_still_read_to_its_end(pretrained):
    example = asking("warm", question=" ".join(tiny.WORDS))
    features = TASK.encode([example], pretrained)
    covered = {int(c) for a, b in features.spans if a >= 0 for c in range(a, b)}
    assert covered == {i for i, c in enumerate(CONTEXT) if c != " "}
    assert features.lengths.max() <= 20


def test_a_length_without_room_for_the_context_is_refused(tiny_folders):
    config = ModelConfig(name=str(tiny_folders["bert"]), max_length=4)
    tight = loading.load(config, loading.Wanted("span", TASK.label_space([], None)), seed=1)
    with pytest.raises(InputError, match=r"max_length 4 leaves no room for a context"):
        TASK.encode([asking("good")], tight)


def test_the_threshold_decides_whether_an_answer_is_given(pretrained):
    example = asking("good")
    features = TASK.encode([example], pretrained)
    logits = sure(features, CONTEXT.find("good"), CONTEXT.find("good") + 4)
    logits[features.offsets[:-1]] = 6.0  # no answer is likelier
    for threshold, expected in ((None, "good"), (1.0, ""), (3.0, "good")):
        pretrained.decision = {} if threshold is None else {"no_answer": threshold}
        found = TASK.decode(logits, features, [example], pretrained)[0]
        assert found.prediction == expected
        assert found.spans[0]["text"] == "good"
        told = json.loads(found.to_json()).get("no_answer")
        assert told == (threshold and {"margin": found.no_answer_margin, "threshold": threshold})
    assert found.no_answer_margin == pytest.approx(2.0, abs=1e-4)


def test_an_answer_is_no_longer_than_asked_for(pretrained):
    example = asking("the film is good and the end")
    features = TASK.encode([example], pretrained)
    logits = sure(features, 0, len("the film is good and the end"))
    short = ExtractiveQA(overlap=3, max_question=4, max_answer=3)
    found = short.decode(logits, features, [example], pretrained)[0]
    assert all(len(span["text"].split()) <= 3 for span in found.spans)


def test_losses_are_the_mean_cross_entropies_of_start_and_end():
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(8, 2, generator=random)
    labels = torch.tensor([[1, 2], [0, 0]])
    batch = tiny.sequences([3, 5], labels)
    for smoothing in (0.0, 0.2):
        found = TASK.losses(logits, batch, smoothing=smoothing, likelihood=False)
        for i, own in enumerate(logits.split([3, 5])):
            expected = functional.cross_entropy(own.T, labels[i], label_smoothing=smoothing)
            assert found[i] == pytest.approx(expected.item(), abs=1e-5)


def test_answers_cannot_be_balanced(pretrained):
    features = TASK.encode([asking("good")], pretrained)
    with pytest.raises(InputError, match="answers have no classes to balance"):
        TASK.weights(features, TASK.label_space([], None), "balanced")


def test_a_token_of_the_question_is_never_an_answer(pretrained):
    example = asking("good")
    features = TASK.encode([example], pretrained)
    logits = np.where(features.spans[:, :1] < 0, 9.0, 0.0).repeat(2, 1).astype(np.float32)
    found = TASK.decode(logits, features, [example], pretrained)[0]
    assert all(span["text"] == CONTEXT[span["start"] : span["end"]] != "" for span in found.spans)
