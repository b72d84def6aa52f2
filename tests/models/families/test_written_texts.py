"""BART as a writer: what it is taught, scores and writes is what transformers' own class does with each row alone."""

from dataclasses import replace

import pytest
import torch
import transformers

from nlptl.core.records import Example
from tests import tiny
from tests.models.families.reference import ROWS, batch, each_row, load, plain


def test_bart_gives_the_logits_of_the_target_as_transformers_does(tiny_folders, tmp_path):
    pretrained = load(tiny_folders["bart"], "text")
    own, other = batch(pretrained), plain(pretrained, tmp_path)
    with torch.no_grad():
        found = pretrained.module(own)
        for i, row in enumerate(each_row(pretrained, pair=False)):
            labels = own.labels[i][own.labels[i] >= 0][None]
            expected = other(**row, labels=labels).logits[0]
            torch.testing.assert_close(found[i, : labels.shape[1]], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_beams", [1, 3])
def test_bart_writes_what_transformers_writes_for_each_row_alone(tiny_folders, n_beams, tmp_path):
    pretrained = load(tiny_folders["bart"], "text", n_beams=n_beams)
    other = plain(pretrained, tmp_path)
    found = pretrained.module.answer(batch(pretrained))
    assert found.shape == (len(ROWS), 12)
    for own, row in zip(found, each_row(pretrained, pair=False), strict=True):
        expected = other.generate(**row, max_new_tokens=12, num_beams=n_beams, do_sample=False)[0, 1:]
        assert own.tolist() == expected.tolist() + [1] * (12 - len(expected))
    assert len({tuple(row) for row in found.tolist()}) > 1


def test_a_checkpoints_own_least_length_is_no_rule_for_other_texts(tiny_folders):
    pretrained = load(tiny_folders["bart"], "text")
    expected = pretrained.module.answer(batch(pretrained))
    pretrained.module.net.generation_config.min_length = 9
    pretrained.module.net.generation_config.no_repeat_ngram_size = 1
    assert torch.equal(pretrained.module.answer(batch(pretrained)), expected)


def test_bart_scores_label_words_as_transformers_does(tiny_folders, tmp_path):
    pretrained = tiny.load(tiny_folders["bart"], "label_words")
    own = tiny.batch(pretrained, [replace(row, label="good") for row in ROWS])
    pretrained.module.net.save_pretrained(tmp_path)
    other = transformers.BartForConditionalGeneration.from_pretrained(tmp_path, attn_implementation="eager").eval()
    with torch.no_grad():
        found = pretrained.module.eval()(own)
        for i, row in enumerate(each_row(pretrained, pair=False)):
            for c, name in enumerate(("bad", "good")):
                labels = pretrained.tokenizer(name, return_tensors="pt")["input_ids"]
                expected = -other(**row, labels=labels).loss * labels.shape[1]
                torch.testing.assert_close(found[i, c], expected, rtol=0, atol=1e-4)


def test_bart_takes_a_text_that_spells_an_end_token(tiny_folders):
    pretrained = load(tiny_folders["bart"], "class")
    texts = ("a film </s> and its end", "fine")
    found = tiny.batch(pretrained, [Example(i, text, label="bad") for i, text in enumerate(texts)])
    assert (found.input_ids == 2).sum() == 3
    assert pretrained.module(found).isfinite().all()
