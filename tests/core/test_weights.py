"""What is saved and read under names of parameters."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from nlptl.core.errors import InputError
from nlptl.core.probabilities import softmax
from nlptl.core.weights import DENSE_FILE, HEAD_FILE, head_file, layer_of, load_head, save_head


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("bert.encoder.layer.11.output.dense.weight", 11),
        ("transformer.h.0.mlp", 0),
        ("encoder.block.3.layer.1.wo", 3),
        ("classifier.weight", None),
        ("embeddings.LayerNorm2.bias", None),
    ],
)
def test_the_first_number_of_a_name_is_its_layer(name, layer):
    assert layer_of(name) == layer


@pytest.mark.parametrize("file", [HEAD_FILE, DENSE_FILE])
def test_a_head_is_read_as_it_was_written_and_only_into_its_own_shape(tmp_path, file):
    head, other = nn.Linear(4, 3), nn.Linear(4, 3)
    assert head_file(tmp_path) is None
    save_head(head, tmp_path, file)
    assert head_file(tmp_path) == file
    prefix = {"head.safetensors": "", "2_Dense/model.safetensors": "linear."}[file]
    assert set(load_file(tmp_path / file)) == {f"{prefix}weight", f"{prefix}bias"}
    load_head(other, tmp_path, file)
    assert torch.equal(head.weight, other.weight)
    assert torch.equal(head.bias, other.bias)
    with pytest.raises(InputError, match=r"in the shape \(3.*the model needs \(2"):
        load_head(nn.Linear(4, 2), tmp_path, file)


def test_probabilities_are_torchs_and_large_logits_do_not_overflow():
    logits = np.array([[1e4, 0.0, -1e4], [0.5, 0.25, -3.0]], np.float32)
    expected = torch.from_numpy(logits).softmax(-1).numpy()
    found = softmax(logits)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
