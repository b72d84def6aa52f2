"""Bodies of tests that run on a GPU, marked gpu; those that make sense on a CPU run there in the default suite too."""

from pathlib import Path

import pytest
import torch

from tests import tiny


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what is marked gpu if there is none, and its double on the CPU if there is one: runs take the GPU then."""
    marked = item.get_closest_marker("gpu") is not None
    if marked != torch.cuda.is_available():
        pytest.skip("needs a CUDA device" if marked else "runs on the CUDA device of this machine")


@pytest.fixture(scope="session")
def long_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT that reads 512 tokens: more than a kernel of attention takes as one block."""
    folder = tmp_path_factory.mktemp("tiny-long")
    tiny.tiny_models.TOKENIZERS["bert"]().save_pretrained(folder)
    torch.manual_seed(0)
    tiny.make_net("bert", max_position_embeddings=512).save_pretrained(folder)
    return folder
