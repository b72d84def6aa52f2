"""Makes the folder of a pooled net one of sentence-transformers too: `SentenceTransformer(folder)` encodes to logits.

Its modules are the encoder, whose files lie in the folder itself, the pooling and the head, so nothing is stored twice.
Names and keys are those of sentence-transformers 3, which later versions read as well. A text that is too long is cut
at its end there, whatever the task does with it.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nlptl.core import weights
from nlptl.core.records import Pretrained
from nlptl.models.declared import MODULES, OLDER_KEYS, POOLINGS
from nlptl.models.plan import family_of
from nlptl.models.pooled import PooledClassifier

POOLING, DENSE = "1_Pooling", str(Path(weights.DENSE_FILE).parent)
ENCODERS = ("AutoModel", "T5EncoderModel", "MT5EncoderModel")
"""The classes with which sentence-transformers loads encoders."""


def write(pretrained: Pretrained, folder: Path) -> None:
    """Adds what sentence-transformers needs to the folder of a whole net with a pooled head.

    The head moves from `weights.HEAD_FILE` to `weights.DENSE_FILE`. If sentence-transformers could not run the net, or
    would run it in another way, the folder stays as it is.

    Args:
        pretrained: the model, its settings resolved.
        folder: holds what `PooledClassifier.save_pretrained` or another net wrote.
    """
    net, head = pretrained.module.net, weights.head_file(folder)
    if not isinstance(net, PooledClassifier) or head != weights.HEAD_FILE or not _runs_alike(pretrained, net):
        return
    weights.save_head(net.classifier, folder, weights.DENSE_FILE)
    (folder / weights.HEAD_FILE).unlink()
    for name, content in _configs(pretrained, net).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def is_one(folder: Path) -> bool:
    """Returns whether a folder is one of sentence-transformers."""
    return (folder / MODULES).exists()


def logits(folder: Path, texts: Sequence[str | tuple[str, str]]) -> np.ndarray | None:
    """Returns what sentence-transformers computes on the CPU, float32 (n, classes); None if it is not installed.

    Args:
        folder: `write` has written it.
        texts: single ones or pairs, at least one.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return None
    net = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    found: np.ndarray = net.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)
    return found


def _runs_alike(pretrained: Pretrained, net: PooledClassifier) -> bool:
    """Returns whether sentence-transformers, which always pads, gets the same vectors from the same encoder."""
    tokenizer, model_type = pretrained.tokenizer, net.config.model_type
    pads = tokenizer.pad_token_id is not None and tokenizer.padding_side == "right"
    same_encoder = family_of(model_type).backbone_class(model_type) in ENCODERS
    return pads and same_encoder and pretrained.config.pooling in POOLINGS and net.terms is None


def _configs(pretrained: Pretrained, net: PooledClassifier) -> dict[str, object]:
    """Returns the content of the JSON files, by name."""
    config, head = pretrained.config, net.classifier
    modules = (("", "Transformer"), (POOLING, "Pooling"), (DENSE, "Dense"))
    return {
        MODULES: [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
            for i, (path, name) in enumerate(modules)
        ],
        "config_sentence_transformers.json": {"prompts": {}, "default_prompt_name": None},
        "sentence_bert_config.json": {"max_seq_length": config.max_length, "do_lower_case": False},
        f"{POOLING}/config.json": {
            "word_embedding_dimension": head.in_features,
            **{key: pooling == config.pooling for key, pooling in OLDER_KEYS.items()},
        },
        f"{DENSE}/config.json": {
            "in_features": head.in_features,
            "out_features": head.out_features,
            "bias": True,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
    }
