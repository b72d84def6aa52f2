"""The pooled states of every layer are those of transformers."""

import pytest
import torch

from nlptl.engine import device, layers
from nlptl.models.layers import Layers
from tests import tiny

ALONE = ("modernbert", "deberta_v2", "gpt2", "bart")
"""Families whose layers are not run alone."""


@pytest.mark.parametrize("family", ["bert", "roberta", "t5", "distilbert", "electra"])
def test_states_are_those_of_transformers(tiny_folders, family):
    pretrained = tiny.load(tiny_folders[family], "mean")
    rows = tiny.examples(3)
    found = Layers(pretrained, "mean")(tiny.batch(pretrained, rows))
    backbone = pretrained.module.backbone.eval()
    encoder = backbone.get_encoder() if family == "t5" else backbone
    for i, row in enumerate(rows):
        ids = torch.from_numpy(tiny.features(pretrained, [row]).input_ids)[None].long()
        states = encoder(input_ids=ids, output_hidden_states=True, attn_implementation="eager").hidden_states
        assert len(found) == len(states)
        for own, state in zip(found, states, strict=True):
            assert torch.allclose(own[i], state[0].mean(dim=0), atol=1e-4)


@pytest.mark.parametrize("family", ALONE)
def test_other_families_give_the_last_state_alone(tiny_folders, family):
    pretrained = tiny.load(tiny_folders[family], "mean")
    batch = tiny.batch(pretrained)
    (found,) = Layers(pretrained, "mean")(batch)
    assert torch.allclose(found, pretrained.module.prefix(batch, pretrained.module.depth()), atol=1e-5)


def test_vectors_are_in_the_order_of_the_rows_and_kept(tiny_folders, tmp_path, monkeypatch):
    monkeypatch.setenv("NLPTL_CACHE", str(tmp_path))
    pretrained = tiny.load(tiny_folders["bert"], "mean")
    for parameter in pretrained.module.parameters():
        parameter.requires_grad_(False)
    found, features = Layers(pretrained, "mean"), tiny.features(pretrained)
    vectors = layers.vectors(pretrained.module, found, features, device.start("fp32"))
    expected = found(tiny.batch(pretrained))
    assert torch.allclose(torch.from_numpy(vectors), expected, atol=1e-5)
    monkeypatch.setattr(Layers, "__call__", None)  # a second time nothing is computed
    assert (layers.vectors(pretrained.module, found, features, device.start("fp32")) == vectors).all()
