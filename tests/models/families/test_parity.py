"""Every family and output: the logits, gradients and texts are those of transformers' own class on padded rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from nlptl.core import kinds, registry
from nlptl.core.config import ModelConfig
from nlptl.core.errors import InputError
from nlptl.core.records import Example, LabelSpace
from nlptl.models import loading
from tests import tiny, tiny_models
from tests.models.families.reference import batch, each_row, load, plain, theirs
from tests.tiny_models import OTHERS

CASES = [
    (family, output)
    for family in OTHERS
    for output in kinds.having(lambda kind: not kind.is_written)
    if kinds.of(output).head in registry.load("family", family).heads
]
cases = pytest.mark.parametrize(("family", "output"), CASES)
pairs = pytest.mark.parametrize("pair", [False, True], ids=["single", "pair"])


@pairs
@cases
def test_logits_are_those_of_the_padded_transformers_model(tiny_folders, family, output, pair, tmp_path):
    pretrained = load(tiny_folders[family], output)
    with torch.no_grad():
        found = pretrained.module(batch(pretrained, pair=pair))
        expected = theirs(pretrained, plain(pretrained, tmp_path), pair=pair)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert expected.std(0).min() > 0.05  # rows differ, so a mix-up would show


@pytest.mark.parametrize(("family", "output"), [(f, o) for f, o in CASES if f in ("distilbert", "electra")])
def test_packed_gradients_are_those_of_the_padded_transformers_model(tiny_folders, family, output, tmp_path):
    pretrained = load(tiny_folders[family], output)
    other = plain(pretrained, tmp_path)
    for logits in (pretrained.module(batch(pretrained)), theirs(pretrained, other, pair=False)):
        factors = torch.linspace(-1, 1, logits.numel()).view_as(logits)
        (logits * factors).sum().backward()
    expected = {name: p.grad for name, p in other.named_parameters()}
    for name, p in pretrained.module.net.named_parameters():
        torch.testing.assert_close(p.grad, expected[name], rtol=1e-3, atol=1e-4, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_pooled_logits_are_those_computed_by_hand_from_each_row_alone(tiny_folders, family, pooling):
    pretrained = load(tiny_folders[family], "class", pooling)
    whole = transformers.AutoModel.from_pretrained(tiny_folders[family], attn_implementation="eager").eval()
    encoder, head = getattr(whole, "encoder", whole) if family == "bart" else whole, pretrained.module.net.classifier
    pooled = {"mean": lambda s: s.mean(0), "cls": lambda s: s[0], "max": lambda s: s.amax(0)}[pooling]
    with torch.no_grad():
        states = [encoder(**row).last_hidden_state[0] for row in each_row(pretrained, pair=False)]
        expected = torch.stack([pooled(s) for s in states]) @ head.weight.T + head.bias
        found = pretrained.module(batch(pretrained))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("output", ["tags", "span"])
def test_bart_reads_tokens_by_its_encoder_alone(tiny_folders, output):
    pretrained = load(tiny_folders["bart"], output, "none")
    whole = transformers.BartModel.from_pretrained(tiny_folders["bart"], attn_implementation="eager").eval()
    head = pretrained.module.net.classifier
    with torch.no_grad():
        states = torch.cat([whole.encoder(**row).last_hidden_state[0] for row in each_row(pretrained, pair=False)])
        found = pretrained.module(batch(pretrained))
    torch.testing.assert_close(found, states @ head.weight.T + head.bias, rtol=0, atol=1e-5)
    assert not [name for name, _ in pretrained.module.named_parameters() if "decoder" in name]


# What is particular to a family.


@pytest.mark.parametrize("family", ["distilbert", "modernbert", "bart", "gpt2"])
def test_what_a_tokenizer_says_of_token_types_is_left_out(tiny_folders, family):
    pretrained = load(tiny_folders[family], "class")
    own = batch(pretrained)
    typed = replace(own, token_type_ids=torch.ones_like(own.input_ids))
    with torch.no_grad():
        assert torch.equal(pretrained.module(typed), pretrained.module(replace(own, token_type_ids=None)))


@pytest.mark.parametrize("family", ["electra", "deberta_v2"])
def test_token_types_are_read(tiny_folders, family):
    pretrained = load(tiny_folders[family], "class")
    own = batch(pretrained, pair=True)
    assert own.token_type_ids is not None
    with torch.no_grad():
        found = pretrained.module(own) - pretrained.module(replace(own, token_type_ids=None))
    assert found.abs().max() > 1e-3


def changed(folder: Path, target: Path, family: str, **fields: Any) -> Path:
    """Writes the family's tiny model with another configuration."""
    torch.manual_seed(0)
    tiny_models.TOKENIZERS[family]().save_pretrained(target)
    tiny.make_net(family, **fields).save_pretrained(target)
    return target


@pytest.mark.parametrize(
    ("family", "fields"),
    [
        ("electra", {"embedding_size": 32}),
        ("deberta_v2", {"relative_attention": False, "position_biased_input": True, "type_vocab_size": 0}),
        ("deberta_v2", {"conv_kernel_size": 3, "conv_act": "gelu", "share_att_key": False}),
        ("modernbert", {"classifier_pooling": "mean"}),
        ("bart", {"scale_embedding": True}),
        ("gpt2", {"pad_token_id": 0, "scale_attn_by_inverse_layer_idx": True}),
        ("distilbert", {"sinusoidal_pos_embds": True}),
    ],
)
@pairs
def test_other_configurations_give_the_logits_of_transformers_too(family, fields, pair, tmp_path):
    pretrained = load(changed(tmp_path, tmp_path / "base", family, **fields), "class")
    other = plain(pretrained, tmp_path / "plain")
    with torch.no_grad():
        found, expected = pretrained.module(batch(pretrained, pair=pair)), theirs(pretrained, other, pair=pair)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


LIMITS = {"distilbert": 64, "electra": 64, "deberta_v2": None, "modernbert": 64, "bart": 64, "gpt2": 64}


def test_a_text_of_the_greatest_length_is_computed_and_a_longer_one_refused(folder, family):
    limit = LIMITS[family]
    pretrained = load(folder, "class")
    assert pretrained.config.max_length == (limit or 256)
    long = [Example(0, " ".join(tiny.WORDS * 12), label="good")]
    found = tiny.batch(replace(pretrained, labels=tiny.THREE), long)
    assert found.lengths.tolist() == [limit or 256]
    assert pretrained.module(found).isfinite().all()
    if limit is None:
        return
    with pytest.raises(InputError, match=rf"model\.max_length is {limit + 1}, but .* takes at most {limit} tokens"):
        load(folder, "class", max_length=limit + 1)


def test_absolute_positions_limit_debertas_length(tmp_path):
    path = changed(tmp_path, tmp_path / "base", "deberta_v2", position_biased_input=True)
    assert load(path, "class").config.max_length == 64


def test_bart_cannot_write_more_tokens_than_it_has_positions(tiny_folders):
    config = ModelConfig(name=str(tiny_folders["bart"]), max_written=65)
    with pytest.raises(InputError, match=r"model\.max_written is 65, but .* writes at most 64 tokens"):
        loading.load(config, loading.Wanted("text", LabelSpace(())), seed=1)


def test_gpt2_reads_an_empty_text_as_its_end_token(tiny_folders):
    pretrained = load(tiny_folders["gpt2"], "class")
    rows = [Example(0, "", label="good"), Example(1, "fine", label="good")]
    assert tiny.features(pretrained, rows).lengths[0] == 1
    assert tiny.logits(pretrained, rows).isfinite().all()


REFUSED = [
    (family, kind.name, refused[kind.head])
    for family in OTHERS
    for refused in (registry.load("family", family).refused,)
    for kind in kinds.KINDS.values()
    if kind.head in refused
]


@pytest.mark.parametrize(("family", "output", "why"), REFUSED, ids=[f"{f}-{o}" for f, o, _ in REFUSED])
def test_what_makes_no_sense_is_refused_with_the_reason(tiny_folders, family, output, why):
    with pytest.raises(InputError, match=why) as error:
        load(tiny_folders[family], output, None)
    assert f"does not give answers of the kind '{output}'" in str(error.value)


def test_only_bart_writes_and_only_gpt2_reads_no_spans():
    assert {(f, o) for f, o, _ in REFUSED} == {(f, "text") for f in OTHERS if f != "bart"} | {("gpt2", "span")}


def test_the_models_dropout_is_set_everywhere(folder, family):
    pretrained = load(folder, "class", dropout=0.37)
    places = [m.p for m in pretrained.module.net.modules() if isinstance(m, torch.nn.Dropout)]
    config = pretrained.module.net.config
    rates = [getattr(config, field) for field in pretrained.family.dropout_fields if hasattr(config, field)]
    assert set(places) | set(rates) == {0.37}
    pooled = load(folder, "class", "mean", dropout=0.37).module.net
    assert {m.p for m in pooled.modules() if isinstance(m, torch.nn.Dropout)} == {0.37}
    assert np.isclose(pooled.dropout.p, 0.37)
