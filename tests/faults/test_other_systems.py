"""What macOS and Windows lack is taken away, and a run is trained and used all the same."""

import ast
import json
import os
import subprocess
import sys

import pytest

from tests.test_structure import FILES, imports, name_of, tree

UNIX_ONLY = {"fcntl", "resource", "pwd", "grp", "termios", "syslog", "posix", "msvcrt", "winreg"}
LINUX_ONLY = {"posix_fallocate", "sched_getaffinity", "O_NOFOLLOW", "fork", "getuid", "geteuid", "memfd_create"}
WITHOUT = """
import json, os, pathlib, sys
import torch, transformers, datasets, accelerate, peft, psutil  # they know their systems themselves
import nlptl.runs.training, nlptl.runs.reload_check, nlptl.engine.memory
linux, commands = json.loads(sys.argv[1])
for name in linux:
    vars(os).pop(name, None)
nlptl.engine.memory.STATUS = pathlib.Path("/nowhere")
nlptl.runs.reload_check.run = lambda *_: {"max_abs_diff": 0.0, "n_examples": 0}
from nlptl.cli import command
print([command(words) for words in commands])
"""
PATIENCE_S = 300


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_is_imported_that_some_systems_lack(path):
    assert not {found.module.split(".")[0] for found in imports(path)} & UNIX_ONLY


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_only_linux_has_is_asked_for_first(path):
    names = {ast.unparse(n) for n in ast.walk(tree(path)) if isinstance(n, ast.Attribute)}
    used = {name.removeprefix("os.") for name in names if name.startswith("os.")} & LINUX_ONLY
    text = path.read_text(encoding="utf-8")
    assert not [name for name in used if f'hasattr(os, "{name}")' not in text]


def test_a_run_with_cached_layers_and_checkpoints_needs_none_of_it(work, train):
    words = [*train, "--method", "partial", "--method.layers", "last:1", "--train.checkpoint_every", "1"]
    words += ["--train.epochs", "1", "--train.cache_dir", "cache", "--output", "run"]
    commands = [words, ["train", "--resume", "run"], ["predict", "run", "--text", "great film"]]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, json.dumps([sorted(LINUX_ONLY), commands])],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[0, 2, 0]", done
    assert "is finished" in done.stderr
    assert list((work / "cache").glob("*/states.bin"))
    assert json.loads((work / "run" / "result.json").read_text())["memory"]["peak_mib"] > 50
