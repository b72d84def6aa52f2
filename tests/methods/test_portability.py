"""What a run saves loads without nlptl: transformers and PEFT folders; adapters after `import nlptl`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from nlptl.core.recipe import Recipe
from nlptl.engine import loop
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.runs import artifact
from tests import tiny

METHODS = {
    "full": Full(),
    "lora": LoRA(rank=2),
    "dora": LoRA(rank=2, decomposition="dora"),
    "pfeiffer": Adapter(bottleneck=4),
    "houlsby": Adapter(variant="houlsby", bottleneck=4),
    "parallel": Adapter(variant="parallel", bottleneck=4),
}
WITHOUT_NLPTL = ("full", "lora", "dora")
WAYS = {
    "full": ("auto",),
    **dict.fromkeys(("lora", "dora", "pfeiffer", "houlsby", "parallel"), ("auto", "auto_peft", "peft")),
}
TEXTS = [row.text for row in tiny.examples(8)]

SCRIPT = """
import json, sys
request = json.load(sys.stdin)
import torch, transformers
from peft import AutoPeftModelForSequenceClassification, PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

def over_base(folder, base):
    torch.manual_seed(77)
    return PeftModel.from_pretrained(AutoModelForSequenceClassification.from_pretrained(base), folder)

WAYS = {
    "auto": lambda folder, base: AutoModelForSequenceClassification.from_pretrained(folder),
    "auto_peft": lambda folder, base: AutoPeftModelForSequenceClassification.from_pretrained(folder),
    "peft": over_base,
}
answers = []
for folder, base, way, import_nlptl in request["models"]:
    if import_nlptl:
        import nlptl
    else:
        assert not [name for name in sys.modules if name.startswith("nlptl")]
    torch.manual_seed(99)
    model = WAYS[way](folder, base).eval()
    encoded = AutoTokenizer.from_pretrained(folder)(request["texts"], padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**encoded).logits.tolist()
    answers.append({"logits": logits, "id2label": model.config.id2label, "class": type(model).__name__})
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def artifacts(tiny_folders, tmp_path_factory) -> dict[tuple[str, str], tuple[Path, torch.Tensor]]:
    """The folder and the logits of each family and method, trained for three updates with the native head."""
    found = {}
    for family in tiny.FAMILIES:
        for name, method in METHODS.items():
            pretrained = tiny.prepared(tiny_folders[family], method)
            folder = tmp_path_factory.mktemp(f"{family}-{name}")
            loop.train(tiny.job(pretrained, folder / "checkpoints")[0], tiny.fp32())
            artifact.save(folder / "model", pretrained, Recipe(method=method), {})
            found[family, name] = folder / "model", tiny.logits(pretrained, tiny.examples(8))
    return found


@pytest.fixture(scope="module")
def answers(artifacts, tiny_folders) -> dict[tuple[str, str, str], dict[str, Any]]:
    """What a fresh process computes from the folders: adapters after `import nlptl`, all others before."""
    keys = sorted(((f, m, w) for f, m in artifacts for w in WAYS[m]), key=lambda key: key[1] not in WITHOUT_NLPTL)
    models = [(str(artifacts[f, m][0]), str(tiny_folders[f]), w, m not in WITHOUT_NLPTL) for f, m, w in keys]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps({"models": models, "texts": TEXTS}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(zip(keys, json.loads(done.stdout.splitlines()[-1]), strict=True))


NATIVE_DORA = pytest.mark.xfail(
    strict=True, reason="transformers' own loading of adapters drops DoRA's magnitudes without an error"
)
ALL = [
    pytest.param((f, m, w), marks=NATIVE_DORA if (m, w) == ("dora", "auto") else ())
    for f in tiny.FAMILIES
    for m, ways in WAYS.items()
    for w in ways
]


@pytest.mark.parametrize("key", ALL, ids="-".join)  # family, method, way of loading
def test_other_programs_compute_the_same_logits(key, artifacts, answers):
    logits = torch.tensor(answers[key]["logits"])
    torch.testing.assert_close(logits, artifacts[key[:2]][1], rtol=0, atol=1e-5)


def test_a_full_model_names_its_labels(family, answers):
    assert answers[family, "full", "auto"]["id2label"] == {"0": "bad", "1": "good"}


def test_a_full_model_is_of_transformers_own_class(family, answers):
    names = {"bert": "Bert", "roberta": "Roberta", "t5": "T5"}
    assert answers[family, "full", "auto"]["class"] == f"{names[family]}ForSequenceClassification"


def test_a_saved_config_names_no_private_attention_and_no_path_of_this_machine(family, artifacts, tiny_folders):
    folder = artifacts[family, "full"][0]
    config = json.loads((folder / "config.json").read_text())
    assert config["problem_type"] == "single_label_classification"
    for path in folder.glob("*.json"):
        text = path.read_text()
        if path.name != "nlptl.json":
            assert "nlptl" not in text, path.name
            assert str(tiny_folders[family].parent) not in text, path.name


def test_a_lora_of_three_classes_loads_over_a_base_with_three_classes(tiny_folders, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    rows = tiny.examples(8, tiny.THREE)
    pretrained = tiny.prepared(tiny_folders["roberta"], LoRA(rank=2), labels=tiny.THREE)
    loop.train(tiny.job(pretrained, tmp_path / "checkpoints")[0], tiny.fp32())
    artifact.save(tmp_path / "model", pretrained, Recipe(method=LoRA(rank=2)), {})
    base = AutoModelForSequenceClassification.from_pretrained(tiny_folders["roberta"], num_labels=3)
    model = PeftModel.from_pretrained(base, tmp_path / "model").eval()
    encoded = AutoTokenizer.from_pretrained(tmp_path / "model")(
        [r.text for r in rows], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        torch.testing.assert_close(model(**encoded).logits, tiny.logits(pretrained, rows), rtol=0, atol=1e-5)
