"""Pushing a run to the Hub, tried on a local stand-in of its API."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nlptl
from tests.ship.standin import TOKEN, Repo

NAME = "me/reviews"


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def written(folder, files):
    for name, data in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def test_a_new_repository_is_private_and_gets_every_file_of_the_model(run, hub):
    done = nlptl.push(run, NAME)
    repo, here = hub.repos[NAME], files_of("full/model")
    assert repo.private
    assert done.visibility == "private"
    assert repo.files.keys() == here.keys() | {".gitattributes"}
    changed = {name for name, data in here.items() if repo.files[name] != data}
    assert changed == {"nlptl.json", "README.md"}  # the one loses a path, the other's code opens the repository
    assert repo.commits == [f"sentiment by full, trained with nlptl {nlptl.__version__}"]
    assert done.commit == f"{hub.url}/{NAME}/commit/{repo.sha}"
    assert done.url == f"{hub.url}/{NAME}"


def test_public_makes_a_public_repository(run, hub):
    assert nlptl.push(run, NAME, public=True).visibility == "public"
    assert not hub.repos[NAME].private


@pytest.mark.parametrize("private", [True, False])
def test_a_repository_keeps_its_visibility_and_that_is_said(run, hub, said, private):
    hub.repos[NAME] = Repo(private)
    found = said("push", run, NAME, *(["--public"] if private else []))
    assert found.status == 0
    assert hub.repos[NAME].private == private
    assert f"me/reviews is {'private' if private else 'public'} already and stays so" in found.out


@pytest.mark.parametrize("name", ["full", "lora"])
def test_what_the_hub_has_opens_as_the_run_does(name, hub, finished, request, tmp_path):
    run = request.getfixturevalue({"full": "run"}.get(name, name))
    nlptl.push(run, NAME)
    texts = ["a wonderful film", "an awful plot"]
    there = tmp_path / "there"
    written(there / "me", hub.repos[NAME].files)
    if name == "lora":
        shutil.copytree(finished / "bert", there / "bert")  # its pretrained model, which the Hub does not have
    os.chdir(there)
    found = [p.scores for p in nlptl.load(Path("me")).predict(texts)]
    assert found == [p.scores for p in nlptl.load(tmp_path / run).predict(texts)]


def test_no_path_of_this_machine_is_sent(run, lora, hub, finished):
    for source in (run, lora):
        nlptl.push(source, f"me/{source}")
        for name, data in hub.repos[f"me/{source}"].files.items():
            assert str(finished.parent).encode() not in data, name
            assert str(Path.cwd()).encode() not in data, name


def test_code_in_the_card_opens_the_repository(run, lora, hub):
    nlptl.push(run, NAME)
    nlptl.push(lora, "me/lora")
    card = hub.repos[NAME].files["README.md"].decode()
    assert card.startswith("---\n")
    assert "\n# reviews\n" in card
    assert 'load("me/reviews").predict' in card
    assert 'from_pretrained("me/reviews")' in card
    assert (
        'AutoConfig.from_pretrained("me/lora", subfolder="config")' in hub.repos["me/lora"].files["README.md"].decode()
    )


def test_a_card_that_somebody_edited_is_kept_but_for_its_code(run, hub):
    path = Path("full/model/README.md")
    text = path.read_text() + '\nMine: AutoConfig.from_pretrained("./config")\n'
    path.write_text(text)
    nlptl.push("full/model", NAME)
    card = hub.repos[NAME].files["README.md"].decode()
    assert card.endswith('\nMine: AutoConfig.from_pretrained("me/reviews", subfolder="config")\n')
    assert "\n# full\n" in card
    assert '"."' not in card


def test_a_dry_run_lists_every_file_and_sends_nothing(run, hub, said):
    found = said("push", run, NAME, "--dry-run")
    assert (found.status, found.err) == (0, "")
    assert hub.writes == []
    assert "new, private" in found.out
    lines = [line.split() for line in found.out.splitlines() if line.startswith("file ")]
    assert {line[-1] for line in lines} == files_of("full/model").keys()
    assert {line[1] for line in lines} == {"new"}
    assert "nothing was sent" in found.out
    nlptl.push(run, NAME)
    hub.repos[NAME].files["config.json"] = b"{}"
    found = said("push", run, NAME, "--dry-run", "--quiet")
    states = {line.split()[-1]: line.split()[1] for line in found.out.splitlines() if line.startswith("file ")}
    assert states.pop("config.json") == "changed"
    assert set(states.values()) == {"same"}


@pytest.mark.parametrize("how", ["no token", "offline", "unreachable", "wrong token"])
def test_a_dry_run_that_cannot_ask_says_so(run, hub, said, monkeypatch, how):
    from huggingface_hub import constants

    if how == "no token":
        monkeypatch.delenv("HF_TOKEN")
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", "nowhere")
    elif how == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif how == "unreachable":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    else:
        monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    found = said("push", run, NAME, "--dry-run")
    assert found.status == 0
    reason = {
        "no token": "there is no token",
        "offline": "HF_HUB_OFFLINE is set",
        "unreachable": "connection to",
        "wrong token": "refused the token",
    }[how]
    assert "the Hub was not asked what it has: " in found.out
    assert reason in found.out
    assert "model.safetensors" in found.out
    assert "me/reviews; private if it is new" in found.out


def test_a_second_push_sends_nothing_and_makes_no_commit(run, hub, said):
    nlptl.push(run, NAME)
    before = list(hub.received)
    found = said("push", run, NAME)
    assert found.status == 0
    assert "nothing to send" in found.out
    assert hub.received == before
    assert len(hub.repos[NAME].commits) == 1
    assert nlptl.push("full/model", NAME).commit is None  # the model's folder is the same model


@pytest.mark.parametrize("dies_with", [500, None])
def test_a_push_that_was_stopped_sends_only_what_is_missing(run, hub, said, monkeypatch, dies_with):
    shards(Path("full/model"))
    hub.dies_after, hub.dies_with = 1, dies_with
    found = said("push", run, NAME)
    assert found.status == 1
    assert "the same command goes on" in found.err
    assert hub.repos[NAME].commits == []  # the repository never holds half a model
    (kept,) = hub.blobs
    hub.dies_after = None
    hub.received.clear()
    assert said("push", run, NAME).status == 0
    sent = [oid for oid, _ in hub.received if oid != "commit"]
    assert len(sent) == 2
    assert kept not in sent
    large = sum(n for oid, n in hub.received if oid != "commit")
    assert large == sum(len(data) for oid, data in hub.blobs.items() if oid != kept)
    assert {n: d for n, d in hub.repos[NAME].files.items() if n.endswith(".safetensors")} == {
        p.name: p.read_bytes() for p in Path("full/model").glob("*.safetensors")
    }


def shards(model):
    """Divides the weights of an artifact among three files, and records that."""
    from safetensors.torch import load_file, save_file

    from nlptl.core.digest import sha256_of, sha256_of_value

    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    names, of = sorted(weights), {}
    for i in range(3):
        name = f"model-{i + 1:05}-of-00003.safetensors"
        save_file({key: weights[key] for key in names[i::3]}, model / name, metadata={"format": "pt"})
        of |= dict.fromkeys(names[i::3], name)
    (model / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": of}))
    card = json.loads((model / "nlptl.json").read_text())
    del card["files"]["model.safetensors"], card["sha256"]
    card["files"] |= {path.name: sha256_of(path) for path in model.glob("model*")}
    card["sha256"] = sha256_of_value(card)
    (model / "nlptl.json").write_text(json.dumps(card))


def test_a_branch_is_made_from_main(run, hub):
    hub.repos[NAME] = Repo(True)
    hub.repos[NAME].files["notes.md"] = b"mine"
    done = nlptl.push(run, NAME, revision="v2", message="second")
    repo = hub.repos[NAME]
    assert repo.files.keys() == {".gitattributes", "notes.md"}
    assert repo.branches["v2"].keys() >= {"notes.md", "nlptl.json"}
    assert repo.commits == ["second"]
    assert done.url.endswith("/me/reviews/tree/v2")
    assert nlptl.push(run, NAME, revision="v2").commit is None


def test_other_files_of_a_repository_stay_and_are_named(run, hub, said):
    hub.repos[NAME] = Repo(True)
    hub.repos[NAME].files["notes.md"] = b"mine"
    found = said("push", run, NAME)
    assert found.status == 0
    assert "stays on the Hub as it is, because it is no part of the model: notes.md" in found.out
    assert hub.repos[NAME].files["notes.md"] == b"mine"


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_other_files_that_would_change_the_model_are_refused(run, lora, hub, said, words):
    nlptl.push(lora, NAME)
    n = len(hub.writes)
    found = said("push", run, NAME, *words)
    assert found.status == 2
    assert "me/reviews also holds adapter_config.json, adapter_model.safetensors, config/config.json" in found.err
    assert "Nothing was sent" in found.err
    assert len(hub.writes) == n


def test_only_files_of_the_model_are_sent(run, hub, said):
    Path("full/model/mine.txt").write_text("secret")
    found = said("push", run, NAME)
    assert "stays here, because it is no part of the model: mine.txt" in found.out
    assert "mine.txt" not in hub.repos[NAME].files


def test_a_changed_model_is_refused(run, hub, said):
    Path("full/model/config.json").write_text("{}")
    found = said("push", run, NAME)
    assert found.status == 2
    assert "config.json has changed" in found.err
    assert "--trust-changes" not in found.err
    assert hub.asked == []


def test_an_unfinished_run_is_refused(run, hub, said):
    result = json.loads(Path("full/result.json").read_text())
    Path("full/result.json").write_text(json.dumps(result | {"status": "interrupted"}))
    for source in (run, "full/model"):
        found = said("push", source, NAME)
        assert found.status == 2
        assert "only a finished run is pushed; nlptl train --resume" in found.err
    Path("full/result.json").unlink()
    assert "its status is not known" in said("push", run, NAME).err
    assert hub.asked == []


@pytest.mark.parametrize(
    "name", ["reviews", "me/a/b", "me/a b", "me/-a", "me/a..b", "me/a--b", "/a", "me/", "me/a.git", "", "me/é"]
)
def test_a_name_that_is_none_is_refused(run, hub, said, name):
    found = said("push", run, name)
    assert found.status == 2
    assert "is no repository's name: expected OWNER/NAME" in found.err
    assert hub.asked == []


def test_a_wrong_or_missing_token_is_named(run, hub, said, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    found = said("push", run, NAME)
    assert found.status == 2
    assert f"{hub.url} refused the token" in found.err
    assert "hf_wrong" not in found.err + found.out
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "nowhere")
    assert "there is no token for" in said("push", run, NAME).err
    assert hub.writes == []


def test_a_namespace_of_others_is_named(run, hub, said):
    found = said("push", run, "you/reviews")
    assert found.status == 2
    assert "the token may not write to 'you/reviews' (You don't have the rights" in found.err
    assert hub.received == []


def test_without_a_network_nothing_is_sent_and_the_address_is_named(run, hub, said, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    found = said("push", run, NAME)
    assert found.status == 1
    assert "the connection to http://127.0.0.1:9 failed" in found.err
    assert "check the network and HF_ENDPOINT" in found.err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE is set: unset it" in said("push", run, NAME).err


def test_a_file_that_the_hub_leaves_out_is_an_error(run, hub, said):
    hub.repos[NAME] = Repo(True, ignored=("config.json",))
    found = said("push", run, NAME)
    assert found.status == 1
    assert "does not have config.json as they are here: a .gitignore" in found.err


def test_a_local_pretrained_model_is_a_warning_and_can_be_named(lora, hub, said, finished):
    found = said("push", lora, NAME)
    assert found.status == 0
    assert "on a pretrained model in the folder 'bert'" in found.out
    assert "--base OWNER/NAME" in found.out
    hub.repos["me/bert"] = Repo(True)
    hub.repos["me/bert"].files["model.safetensors"] = b"others"
    n = len(hub.writes)
    assert "me/bert has other weights than training used" in said("push", lora, NAME, "--base", "me/bert").err
    assert "me/bart is not there" in said("push", lora, NAME, "--base", "me/bart", "--dry-run").err
    assert len(hub.writes) == n
    hub.repos["me/bert"].files["model.safetensors"] = (finished / "bert" / "model.safetensors").read_bytes()
    found = said("push", lora, NAME, "--base", "me/bert")
    assert "warning" not in found.out
    files = hub.repos[NAME].files
    assert json.loads(files["adapter_config.json"])["base_model_name_or_path"] == "me/bert"
    card = json.loads(files["nlptl.json"])
    assert card["base"]["reference"] == card["model"]["name"] == "me/bert"


@pytest.mark.parametrize("name", ["me/other", "me/nothing", "you/../me"])
def test_a_model_of_the_hub_that_cannot_be_opened_says_why(hub, monkeypatch, tmp_path, name):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    hub.repos["me/other"] = Repo(False)
    why = {
        "me/other": "the Hub's model of that name has no nlptl.json: nlptl did not train it",
        "me/nothing": "the Hub has no model of that name, or not for everybody",
        "you/../me": "",
    }[name]
    with pytest.raises(nlptl.InputError, match=f"there is no run's folder '{name}'.*{why}"):
        nlptl.load(name)


def test_transformers_peft_and_nlptl_open_a_repository_by_its_name(run, lora, hub, finished, tmp_path):
    hub.repos["me/bert"] = Repo(True)
    hub.repos["me/bert"].files.update(files_of(finished / "bert"))
    code = f"""
import nlptl
from transformers import AutoConfig, AutoModelForSequenceClassification
nlptl.push("full", {NAME!r})
nlptl.push("lora", "me/lora", base="me/bert")
texts = ["a wonderful film", "an awful plot"]
assert AutoModelForSequenceClassification.from_pretrained({NAME!r}).config.id2label == {{0: "negative", 1: "positive"}}
config = AutoConfig.from_pretrained("me/lora", subfolder="config")
assert AutoModelForSequenceClassification.from_pretrained("me/lora", config=config).active_adapters() == ["default"]
for name, run in (({NAME!r}, "full"), ("me/lora", "lora")):
    there, here = nlptl.load(name).predict(texts), nlptl.load(run).predict(texts)
    assert [p.scores for p in there] == [p.scores for p in here]
try:
    nlptl.load("me/nothing")
except nlptl.InputError as error:
    print(error)
"""
    own = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
    environment = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"} | own
    root = str(Path(nlptl.__file__).parent.parent)
    environment["PYTHONPATH"] = os.pathsep.join([root, environment.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "there is no run's folder 'me/nothing', and the Hub has no model of that name" in done.stdout
