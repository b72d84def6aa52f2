"""Fine-tuning of the upper layers, or of the head alone, with transformers' Trainer; the rest is frozen."""

from dataclasses import dataclass
from typing import Any

from peers import common
from peers.trainer import TrainerSettings, run


@dataclass(frozen=True)
class FrozenSettings(TrainerSettings):
    """Files, training arguments and what is trained."""

    n_trained: int = 2
    """Layers from the top, with the pooler; 0: the classifier alone."""


def adapt(model: Any, settings: FrozenSettings) -> Any:
    """Returns the model with all else frozen."""
    encoder = model.base_model
    encoder.requires_grad_(False)
    if settings.n_trained:
        for module in (*encoder.encoder.layer[-settings.n_trained :], encoder.pooler):
            module.requires_grad_(True)
    return model


if __name__ == "__main__":
    found = common.settings_of(FrozenSettings)
    run(found, lambda model: adapt(model, found))
