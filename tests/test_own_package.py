"""The package of docs/your-own.md: made, installed, used by name, and loaded in a fresh process."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load_file

from nlptl.core import registry
from nlptl.core.errors import InputError
from tests import tiny_models
from tests.faults.small import QUICK, reviews, say

PAGE = Path(__file__).parents[1] / "docs" / "your-own.md"
FILE = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMES = {
    "task": "toxicity",
    "method": "bitfit",
    "family": "camembert",
    "format": "fasttext",
    "metric": "top_2_accuracy",
    "baseline": "first_word",
}


def install(folder: Path, site: Path) -> None:
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run([*pip, "--target", str(site), str(folder)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Path]:
    """Where the page's package is installed, for this process and those that it starts."""
    folder, site = tmp_path_factory.mktemp("own-package"), tmp_path_factory.mktemp("site")
    files = {"own_package/__init__.py": "", **dict(FILE.findall(PAGE.read_text(encoding="utf-8")))}
    assert set(files) == {"own_package/__init__.py", "pyproject.toml", *(f"own_package/{kind}.py" for kind in NAMES)}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    install(folder, site)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("PYTHONPATH", f"{site}:{Path(__file__).parents[1]}")
        registry.refresh()
        yield site
    registry.refresh()


@pytest.fixture(scope="module")
def camembert(tmp_path_factory) -> Path:
    folder = tiny_models.write("roberta", tmp_path_factory.mktemp("camembert"))
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "camembert", "architectures": ["CamembertModel"]}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def run(site, camembert, tmp_path_factory) -> Path:
    """A run in which everything is the package's."""
    from nlptl.cli import command

    folder = tmp_path_factory.mktemp("runs")
    lines = (f"__label__{row['label']} {row['text']}\n" for row in reviews(60))
    (folder / "comments.fasttext").write_text("".join(lines))
    words = ("train", NAMES["task"], folder / "comments.fasttext", "--method", NAMES["method"])
    quick = (*QUICK[:4], "--eval.metrics", "auroc,accuracy,top_2_accuracy", "--eval.metric", "accuracy")
    more = ("--model.name", camembert, "--train.epochs", 1, *quick, "--output", folder / "run")
    assert command([str(word) for word in (*words, *more)]) == 0
    return folder / "run"


def test_each_name_is_known(site):
    for kind, name in NAMES.items():
        assert name in registry.names(kind)
        assert name not in registry.own_names(kind)
        assert registry.name_of(kind, registry.load(kind, name)) == name


def test_help_names_the_task_and_the_method(capsys, site):
    said = say(capsys, "--help")
    assert re.search(r"tasks: .*toxicity", said.out, re.DOTALL)
    assert re.search(r"methods: .*bitfit", said.out)
    with pytest.raises(SystemExit):
        say(capsys, "train", "toxicity", "--method", "bitfit", "--help")
    said_more = capsys.readouterr().out
    assert "--method.embeddings" in said_more
    assert "Whether the word embeddings" in said_more


def test_the_run_is_of_the_packages_own(run, camembert):
    result = json.loads((run / "result.json").read_text())
    assert (result["task"], result["method"]) == ("toxicity", "bitfit")
    assert result["metrics"]["test"]["top_2_accuracy"]["value"] == 1.0
    assert 0 <= result["baselines"]["test"]["first_word"]["accuracy"]["value"] <= 1
    assert result["reload_check"]["max_abs_diff"] == 0.0
    base, trained = (load_file(folder / "model.safetensors") for folder in (camembert, run / "model"))
    shared = {name: f"roberta.{name}" for name in base if not name.startswith("pooler")}  # RoBERTa's head has none
    changed = {name for name, saved in shared.items() if not base[name].equal(trained[saved])}
    assert changed
    assert all(name.endswith("bias") for name in changed)


def test_a_fresh_process_predicts_with_it(run):
    rows = [json.loads(line) for line in (run / "predictions" / "test.jsonl").read_text().splitlines()]
    text = next(row["text"] for i, row in enumerate(reviews(60)) if i == rows[0]["row_id"])
    words = (sys.executable, "-m", "nlptl", "predict", str(run), "--text", text)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["prediction"] == rows[0]["prediction"]
    assert found["scores"] == pytest.approx(rows[0]["scores"], abs=1e-6)


def test_without_the_package_the_run_says_what_is_missing(run, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")
    words = (sys.executable, "-m", "nlptl", "predict", str(run), "--text", "a film")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown task 'toxicity'" in done.stderr
    assert "nlptl.tasks" in done.stderr


def write_package(folder: Path, group: str, name: str, code: str) -> Path:
    folder.mkdir()
    (folder / "broken_package.py").write_text(code)
    info = folder / "broken_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = broken_package:Broken\n")
    return folder


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("broken", "raise OSError('no such drive')", "broken-package .*OSError: no such drive"),
        ("broken", "class Broken: pass", "is not a method: expected a dataclass with default_lr"),
        ("lora", "class Broken: pass", "the method 'lora': nlptl.methods and broken_package:Broken"),
    ],
)
def test_a_broken_package_is_named_and_leaves_the_rest_alone(tmp_path, monkeypatch, capsys, name, code, said):
    monkeypatch.syspath_prepend(write_package(tmp_path / "site", "nlptl.methods", name, code))
    monkeypatch.delitem(sys.modules, "broken_package", raising=False)
    registry.refresh()
    try:
        with pytest.raises(InputError, match=said):
            registry.load("method", name)
        assert say(capsys, "--help").status == 0
        assert registry.load("method", "full").__name__ == "Full"
    finally:
        monkeypatch.undo()
        registry.refresh()
