"""Opens models that nlptl saved: every trained parameter comes from the files with its shape, none is drawn.

The labels are those of nlptl.json. Only the head of a pretrained checkpoint is judged by its label names (loading.py).
"""

import fnmatch
from collections.abc import Mapping

import torch

from nlptl.core import weights
from nlptl.core.config import ModelConfig
from nlptl.core.records import ModelSource, Pretrained
from nlptl.models import nets, sources
from nlptl.models.plan import Wanted, plan
from nlptl.models.pooled import PooledClassifier

UNUSED_SEED = 0


def open_whole(config: ModelConfig, wanted: Wanted, hashes: Mapping[str, str]) -> Pretrained:
    """Returns a model whose parameters all come from a folder.

    Args:
        config: resolved; its name is the folder.
        wanted: what the head gives.
        hashes: sha256 of the folder's files, if known.

    Raises:
        InputError: a parameter is missing, has another shape, is not finite or not the model's.
    """
    files = fnmatch.filter(hashes, sources.WEIGHTS)
    planned = plan(config, wanted, sources.find(config, hashes[files[0]] if len(files) == 1 else None))
    folder = planned.source.path
    with nets.reading(planned.source, UNUSED_SEED):
        found = nets.read(planned)
        _refuse_other_parameters(folder, found)
        if isinstance(found.net, PooledClassifier):
            found.net.load_head(folder)
        weights.refuse_not_finite(folder, found.net.named_parameters())
    return nets.assembled(planned, found)


def open_base(config: ModelConfig, wanted: Wanted, source: ModelSource) -> Pretrained:
    """Returns the pretrained model for a saved method.

    Its head is NaN until the method loads the trained one, so a forgotten head cannot pass for a trained one.

    Args:
        config: resolved.
        wanted: what the head gives.
        source: where the pretrained model is.

    Raises:
        InputError: the model cannot be loaded, or does not fit the configuration.
    """
    planned = plan(config, wanted, source)
    with nets.reading(source, UNUSED_SEED), torch.no_grad():
        found = nets.read(planned)
        for name in found.head:
            found.net.get_parameter(name).fill_(torch.nan)
    return nets.assembled(planned, found)


def _refuse_other_parameters(folder: object, found: nets.Found) -> None:
    info = found.info
    weights.refuse_missing(folder, info["missing_keys"])
    shapes = {name: (tuple(has), tuple(needs)) for name, has, needs in info["mismatched_keys"]}
    weights.refuse_others(
        folder, {n: has for n, (has, _) in shapes.items()}, {n: needs for n, (_, needs) in shapes.items()}
    )
    weights.refuse_unknown(folder, info["unexpected_keys"])
