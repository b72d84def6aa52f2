"""nlptl: transfer learning for text in one typed recipe.

Light to import: torch and transformers are loaded when a run starts.
"""

import importlib
from typing import TYPE_CHECKING

from nlptl.methods import _peft_hook

if TYPE_CHECKING:
    from nlptl.core.callbacks import Callback
    from nlptl.core.config import DataConfig, EvalConfig, ModelConfig, TrainConfig
    from nlptl.core.errors import HubError, InputError, NlptlError, TrainingError
    from nlptl.core.recipe import Recipe
    from nlptl.core.records import Example, Prediction
    from nlptl.core.result import Result
    from nlptl.methods.adapter import Adapter
    from nlptl.methods.auto import Auto
    from nlptl.methods.full import Full
    from nlptl.methods.hybrid import Hybrid
    from nlptl.methods.lora import LoRA
    from nlptl.methods.partial import Partial
    from nlptl.methods.probe import Probe
    from nlptl.runs.run import Run, load
    from nlptl.ship.push import push
    from nlptl.studies.compare import compare
    from nlptl.studies.plan import Plan
    from nlptl.studies.rank import rank
    from nlptl.studies.study import Study, study
    from nlptl.tasks.classification import Classification
    from nlptl.tasks.extractive_qa import ExtractiveQA
    from nlptl.tasks.regression import Regression
    from nlptl.tasks.sentiment import Sentiment
    from nlptl.tasks.text2text import Text2Text
    from nlptl.tasks.token_classification import TokenClassification

__version__ = "0.1.0"

_HOMES = {
    "TokenClassification": "tasks.token_classification",
    "Text2Text": "tasks.text2text",
    "Regression": "tasks.regression",
    "ExtractiveQA": "tasks.extractive_qa",
    "Classification": "tasks.classification",
    "Adapter": "methods.adapter",
    "Auto": "methods.auto",
    "Callback": "core.callbacks",
    "DataConfig": "core.config",
    "EvalConfig": "core.config",
    "Example": "core.records",
    "Full": "methods.full",
    "HubError": "core.errors",
    "Hybrid": "methods.hybrid",
    "InputError": "core.errors",
    "LoRA": "methods.lora",
    "ModelConfig": "core.config",
    "NlptlError": "core.errors",
    "Partial": "methods.partial",
    "Plan": "studies.plan",
    "Prediction": "core.records",
    "Probe": "methods.probe",
    "Recipe": "core.recipe",
    "Result": "core.result",
    "Run": "runs.run",
    "Sentiment": "tasks.sentiment",
    "Study": "studies.study",
    "TrainConfig": "core.config",
    "TrainingError": "core.errors",
    "compare": "studies.compare",
    "load": "runs.run",
    "push": "ship.push",
    "rank": "studies.rank",
    "study": "studies.study",
}

__all__ = [
    "Adapter",
    "Auto",
    "Callback",
    "Classification",
    "DataConfig",
    "EvalConfig",
    "Example",
    "ExtractiveQA",
    "Full",
    "HubError",
    "Hybrid",
    "InputError",
    "LoRA",
    "ModelConfig",
    "NlptlError",
    "Partial",
    "Plan",
    "Prediction",
    "Probe",
    "Recipe",
    "Regression",
    "Result",
    "Run",
    "Sentiment",
    "Study",
    "Text2Text",
    "TokenClassification",
    "TrainConfig",
    "TrainingError",
    "compare",
    "load",
    "push",
    "rank",
    "study",
]

_peft_hook.install()


def __getattr__(name: str) -> object:
    """Returns a public name, importing its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'nlptl' has no attribute {name!r}")
    return getattr(importlib.import_module(f"nlptl.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Returns the public names."""
    return __all__
