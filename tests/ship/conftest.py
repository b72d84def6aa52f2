"""Finished runs, and a stand-in of the Hub to which they are pushed."""

import shutil

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from nlptl import DataConfig, EvalConfig, ModelConfig, Recipe, TrainConfig
from tests.faults.small import make_bert, say, write_splits
from tests.ship.standin import TOKEN, serving


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with a run of full fine-tuning (full/) and one of LoRA (lora/); tests only read it."""
    place = tmp_path_factory.mktemp("to-push")
    make_bert(place / "bert")
    write_splits(place / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})
        for method in ("full", "lora"):
            Recipe(
                data=DataConfig(train=str(place / "data")),
                model=ModelConfig(name=str(place / "bert"), pooling="native"),
                method=method,
                train=TrainConfig(epochs=1, precision="fp32"),
                eval=EvalConfig(n_bootstrap=100, baselines="none"),
            ).run(place / method)
    return place


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """A copy of the run of full fine-tuning, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished / "full", "full")
    return "full"


@pytest.fixture
def lora(finished, tmp_path, monkeypatch):
    """A copy of the run of LoRA, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished / "lora", "lora")
    return "lora"


@pytest.fixture
def hub(monkeypatch):
    """A stand-in of the Hub, which this process asks; its token is given."""
    with serving() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the stand-in takes plain uploads
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda s: None)  # between attempts
        yield hub
        close_session()


@pytest.fixture
def said(capsys):
    """Runs a command line in this process."""
    return lambda *argv: say(capsys, *argv)
