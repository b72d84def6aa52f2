"""What can be chosen by name: the files of a room, and classes of the user's own."""

import json
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from safetensors.torch import load_file

import nlptl
from nlptl.core import registry
from nlptl.core.errors import InputError
from tests.faults.small import QUICK, make_bert, reviews, say, write_csv

KINDS = ("task", "method", "family")
OWN = f"{__name__}.HeadOnly"


@dataclass(frozen=True)
class HeadOnly:
    """A user's own method: trains the head by gradient descent, or its bias alone."""

    part: Literal["all", "bias"] = "all"
    """What of the head is trained."""

    default_lr: ClassVar[float] = 0.1
    default_pooling: ClassVar[str] = "native"
    self_contained: ClassVar[bool] = True

    def prepare(self, pretrained):
        for name, parameter in pretrained.module.net.named_parameters():
            parameter.requires_grad_(name in pretrained.head and (self.part == "all" or name.endswith("bias")))

    def save(self, pretrained, folder):
        pretrained.module.net.save_pretrained(folder)

    def load(self, pretrained, folder):
        pass


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return make_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def words(bert, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "train.csv", reviews(40))
    return ("train", "--data.train", "train.csv", "--model.name", bert, "--train.epochs", 2, *QUICK)


@pytest.fixture
def unchecked(monkeypatch):
    monkeypatch.setattr("nlptl.runs.reload_check.run", lambda *_: {"max_abs_diff": 0.0, "n_examples": 0})


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_the_files_of_the_room(kind):
    folder = Path(nlptl.__file__).parent.joinpath(*registry.ROOMS[kind].split(".")[1:])
    files = sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))
    assert files
    assert list(registry.names(kind)) == files


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in registry.names(kind)])
def test_every_file_gives_a_class_of_its_name_which_is_found_again(kind, name):
    cls = registry.load(kind, name)
    assert cls.__name__.lower() == name.replace("_", "")
    assert registry.name_of(kind, cls) == name


def test_the_public_names_are_those_of_the_rooms():
    public = {name.lower() for name in nlptl.__all__}
    for kind in ("task", "method"):
        assert {name.replace("_", "") for name in registry.names(kind)} <= public
    assert all(getattr(nlptl, name).__name__ == name for name in nlptl.__all__)
    assert sorted(nlptl.__all__) == dir(nlptl)
    with pytest.raises(AttributeError, match="no attribute 'Recipes'"):
        _ = nlptl.Recipes


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (
            "method",
            "loar",
            r"unknown method 'loar' \(did you mean 'lora'\?\); known: adapter, auto, full, hybrid, lora, ",
        ),
        ("method", "LoRA", r"did you mean 'lora'"),
        ("method", "_peft", r"unknown method '_peft'"),
        ("task", "sentiments", r"unknown task 'sentiments' \(did you mean 'sentiment'\?\)"),
        ("method", "no.such.Method", r"method 'no.such.Method' is not imported.* --import no.such,"),
        ("method", f"{__name__}.HaedOnly", r"HaedOnly': .* has no attribute 'HaedOnly'"),
        ("method", f"{__name__}.OWN", r"OWN.* dataclass .* default_lr, .* load"),
    ],
)
def test_an_unknown_name_is_refused(kind, name, said):
    with pytest.raises(InputError, match=said):
        registry.load(kind, name)


def test_a_new_file_in_a_room_is_a_new_name(monkeypatch, tmp_path):
    (tmp_path / "only_head.py").write_text("class OnlyHead: pass\n")
    (tmp_path / "_shared.py").write_text("")
    import nlptl.methods

    monkeypatch.setattr(nlptl.methods, "__path__", [*nlptl.methods.__path__, str(tmp_path)])
    registry.refresh()
    try:
        assert "only_head" in registry.names("method")
        assert "_shared" not in registry.names("method")
        assert registry.find("method", "only_head").__name__ == "OnlyHead"
    finally:
        monkeypatch.undo()
        registry.refresh()
    assert [m.name for m in pkgutil.iter_modules(nlptl.methods.__path__) if m.name == "only_head"] == []


def test_a_dotted_name_is_kept():
    assert registry.load("method", OWN) is HeadOnly
    assert registry.name_of("method", HeadOnly) == OWN


def assert_only_the_head_was_trained(run, bert, n_trainable):
    result = json.loads((run / "result.json").read_text())
    assert result["method"] == OWN
    assert result["parameters"]["trainable"] == n_trainable
    base, trained = load_file(bert / "model.safetensors"), load_file(run / "model" / "model.safetensors")
    assert {name.removeprefix("bert.") for name in trained} == {*base, "classifier.weight", "classifier.bias"}
    assert all((trained[f"bert.{name}"] == tensor).all() for name, tensor in base.items())
    assert (trained["classifier.bias"] != 0).all()


def test_a_users_own_method_runs_by_its_dotted_name(capsys, tmp_path, bert, words, unchecked):
    said = say(capsys, *words, "--method", OWN, "--output", "run")
    assert said.status == 0, said
    assert_only_the_head_was_trained(tmp_path / "run", bert, 2 * 32 + 2)
    again = say(capsys, "train", "--config", "run/recipe.yaml", "--method.part", "bias", "--output", "bias")
    assert again.status == 0, again
    assert_only_the_head_was_trained(tmp_path / "bias", bert, 2)


def test_a_users_own_method_has_flags_and_help_of_its_own(capsys, words):
    said = say(capsys, *words, "--method", OWN, "--method.prat", "bias")
    assert said.status == 2
    assert "did you mean --method.part?" in said.err
    with pytest.raises(SystemExit):
        say(capsys, "train", "--method", OWN, "--help")
    assert "What of the head is trained" in capsys.readouterr().out


def test_a_users_own_method_runs_from_python(tmp_path, bert, unchecked):
    recipe = nlptl.Recipe(
        data=nlptl.DataConfig(train=reviews(40)),
        model=nlptl.ModelConfig(name=str(bert)),
        method=HeadOnly(),
        train=nlptl.TrainConfig(epochs=2, precision="fp32"),
        eval=nlptl.EvalConfig(n_bootstrap=100, baselines="none"),
    )
    run = recipe.run(tmp_path / "run")
    assert_only_the_head_was_trained(tmp_path / "run", bert, 2 * 32 + 2)
    assert [p.row_id for p in run.predict(["a wonderful film"])] == [0]
    assert nlptl.Recipe.from_dict(recipe.to_dict()) == recipe


def test_a_run_with_a_users_own_method_passes_its_reload_check(capsys, words):
    said = say(capsys, *words, "--method", OWN, "--output", "run")
    assert said.status == 0, said.err
