"""Full fine-tuning: every parameter is trained (Devlin et al. 2019, section 4)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nlptl.core.records import Pretrained


@dataclass(frozen=True)
class Full:
    """Trains every parameter."""

    default_lr: ClassVar[float] = 5e-5
    """The largest of BERT's grid {5e-5, 3e-5, 2e-5} (Devlin et al. 2019, appendix A.3): small models
    want large steps."""
    default_pooling: ClassVar[str] = "native"
    self_contained: ClassVar[bool] = True

    def prepare(self, pretrained: Pretrained) -> None:
        """Makes every parameter trainable."""
        pretrained.module.net.requires_grad_(True)

    def save(self, pretrained: Pretrained, folder: Path) -> None:
        """Writes a plain transformers folder."""
        pretrained.module.net.save_pretrained(folder)

    def load(self, pretrained: Pretrained, folder: Path) -> None:
        """Does nothing: the folder is itself the pretrained model that was loaded."""
