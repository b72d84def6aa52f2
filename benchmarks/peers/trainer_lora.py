"""LoRA with PEFT and transformers' Trainer, on every linear layer of the encoder."""

from dataclasses import dataclass
from typing import Any

from peft import LoraConfig, get_peft_model

from peers import common
from peers.trainer import TrainerSettings, run


@dataclass(frozen=True)
class LoraSettings(TrainerSettings):
    """Files, training arguments and LoRA's own."""

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05
    targets: str = r".*encoder\.layer\.\d+\..*(query|key|value|dense)"
    """Pattern of the names of the layers to adapt."""


def adapt(model: Any, settings: LoraSettings) -> Any:
    """Returns the model with low-rank updates; the classifier is trained as well."""
    config = LoraConfig(
        task_type="SEQ_CLS",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=settings.targets,
        modules_to_save=["classifier"],
    )
    return get_peft_model(model, config)


if __name__ == "__main__":
    found = common.settings_of(LoraSettings)
    run(found, lambda model: adapt(model, found))
