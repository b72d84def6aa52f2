"""Artifacts in `transformers.pipeline`: the labels trained, the scores of nlptl, for every task that has a pipeline."""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification, pipeline

import nlptl
from nlptl.core.config import ModelConfig
from nlptl.core.recipe import Recipe
from nlptl.core.records import LabelSpace
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.models import loading
from nlptl.runs import artifact
from nlptl.tasks.classification import Classification
from nlptl.tasks.regression import Regression
from nlptl.tasks.token_classification import TokenClassification
from tests import tiny

METHODS = {"full": Full(), "lora": LoRA(rank=2), "adapter": Adapter(bottleneck=4)}
TAGS = LabelSpace(("O", "B-film", "I-film", "B-end"))
TASKS: dict[str, tuple[Any, LabelSpace]] = {
    "two classes": (Classification(), tiny.LABELS),
    "three classes": (Classification(), tiny.THREE),
    "several labels": (Classification(labels="several"), tiny.THREE),
    "a number": (Regression(), LabelSpace(("score",), None, 20.0, 5.0)),
    "tags": (TokenClassification(), TAGS),
}
TEXTS = ["the film is good and the end is great", "a bad film"]


class Case(NamedTuple):
    """An artifact and how plain libraries open it."""

    folder: Path
    base: Path
    method: str
    auto: Any

    def model(self) -> Any:
        """Returns the folder itself, or, of PEFT's, what the README's two lines make of it."""
        if self.method == "full":
            return str(self.folder)
        config = AutoConfig.from_pretrained(self.folder / "config")
        return self.auto.from_pretrained(self.folder, config=config)


ALL = [(task, method) for task in TASKS for method in METHODS]
each = pytest.mark.parametrize("case", ALL, ids=" with ".join, indirect=True)
each_of_peft = pytest.mark.parametrize("case", [c for c in ALL if c[1] != "full"], ids=" with ".join, indirect=True)


@pytest.fixture(scope="module")
def case(request, tiny_folders, tmp_path_factory) -> Case:
    task_name, name = request.param
    (task, labels), method = TASKS[task_name], METHODS[name]
    config = ModelConfig(name=str(tiny_folders["bert"]), pooling="native")
    pretrained = loading.load(config, loading.Wanted(task.output, labels), seed=7)
    torch.manual_seed(8)
    method.prepare(pretrained)
    with torch.no_grad():
        for parameter in pretrained.module.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))  # as if trained
    folder = tmp_path_factory.mktemp("artifact") / "model"
    artifact.save(folder, pretrained, Recipe(task=task, method=method), {})
    auto = AutoModelForTokenClassification if task.output == "tags" else AutoModelForSequenceClassification
    return Case(folder, tiny_folders["bert"], name, auto)


def answers(case: Case, model: Any) -> list[list[dict[str, float]]]:
    """Returns the scores of a pipeline by label name: a dictionary a text, of tags one a token."""
    kind = "token-classification" if case.auto is AutoModelForTokenClassification else "text-classification"
    options = {"ignore_labels": []} if kind == "token-classification" else {"top_k": None}
    found = pipeline(kind, model=model, tokenizer=str(case.folder), **options)(TEXTS)
    return [[{row.get("label") or row.get("entity"): row["score"]} for row in rows] for rows in found]


def expected(case: Case) -> list[list[dict[str, float]]]:
    """Returns the same from nlptl's predictions."""
    run = nlptl.load(case.folder)
    task, labels = run.predictor.task, run.pretrained.labels
    if task.output == "tags":
        tags = run.predict([{"words": text.split()} for text in TEXTS])
        return [list(prediction.prediction) for prediction in tags]
    predictions = run.predict(TEXTS)
    if task.output == "number":
        return [[{"score": (p.prediction - labels.mean) / labels.scale}] for p in predictions]
    return [[{name: p.scores[name]} for name in labels.names] for p in predictions]


def same(found: list[Any], wanted: list[Any]) -> None:
    for rows, others in zip(found, wanted, strict=True):
        if others and isinstance(others[0], str):
            assert [next(iter(row)) for row in rows] == others
            continue
        merged = [{k: v for row in some for k, v in row.items()} for some in (rows, others)]
        assert merged[0] == pytest.approx(merged[1], abs=1e-5)


@each
def test_a_pipeline_answers_as_nlptl_with_the_labels_trained(case):
    same(answers(case, case.model()), expected(case))


@each_of_peft
def test_a_peft_model_over_its_base_answers_in_a_pipeline_with_the_labels_trained(case):
    config = AutoConfig.from_pretrained(case.folder / "config")
    model = PeftModel.from_pretrained(case.auto.from_pretrained(case.base, config=config), case.folder)
    same(answers(case, model), expected(case))


@each_of_peft
def test_the_configuration_beside_an_adapter_names_the_class_that_reads_it(case):
    config = AutoConfig.from_pretrained(case.folder / "config")
    kind = case.auto.__name__.removeprefix("AutoModel")
    assert config.architectures == [f"Bert{kind}"]
    assert not (case.folder / "config.json").exists()  # transformers would look for the whole model
