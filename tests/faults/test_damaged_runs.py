"""Files of a run that are damaged, or are links: named with what to do, nothing is written, no traceback."""

import shutil

import pytest

from nlptl.core.errors import InputError
from nlptl.runs.run import Run, load
from tests.faults.small import say

NESTED = b"[" * 100_000
DAMAGES = {
    "empty": b"",
    "cut off": b'{"a": 1, "b',
    "not UTF-8": b"\xff\xfe{\x00",
    "a list": b"[1]",
    "no keys": b"{}",
    "nested": NESTED,
    "a name twice removed": b"{1: {2: 3}, task: {4: 5}}",
}
LINES = {"no JSON": b"{\n", "not UTF-8": b"\xff\n", "a list": b"[1]\n", "no update": b"{}\n", "nested": NESTED + b"\n"}
LINES |= {"a text": b'{"update": "1"}\n', "a fraction": b'{"update": 1.5}\n'}


@pytest.fixture
def stopped(work, stopped_run):
    """A run that was interrupted after five updates."""
    return shutil.copytree(stopped_run, work / "run")


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["recipe.yaml", "inputs.json", "result.json"])
def test_a_damaged_file_is_named_on_resuming_and_the_run_stays_as_it_is(refused, says, stopped, name, content):
    (stopped / name).write_bytes(content)
    message = refused("train", "--resume", "run")
    says(message, f"run/{name}", "restore it")
    assert len(message) < 1000


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_damaged_line_of_the_log_is_named_on_resuming(refused, says, stopped, line):
    log = stopped / "metrics.jsonl"
    log.write_bytes(log.read_bytes() + line)
    says(refused("train", "--resume", "run"), "run/metrics.jsonl", "restore")


def test_what_is_advised_for_a_damaged_result_works(capsys, stopped, unchecked):
    (stopped / "result.json").write_bytes(b"{")
    (stopped / "audit.json").write_bytes(b"{")
    assert say(capsys, "train", "--resume", stopped).status == 2
    (stopped / "result.json").unlink()
    assert say(capsys, "train", "--resume", stopped).status == 0


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_result_is_named_from_python(stopped, content):
    (stopped / "result.json").write_bytes(content)
    for read in (lambda run: run.result, lambda run: run.metrics):
        with pytest.raises(InputError, match=r"result\.json is damaged"):
            read(Run(stopped))


def test_a_stopped_run_has_no_metrics_and_says_how_to_go_on(stopped):
    with pytest.raises(InputError, match=r"'interrupted'.*nlptl train --resume"):
        _ = Run(stopped).metrics


def test_a_finished_run_predicts_whatever_happened_to_its_other_files(capsys, stopped, unchecked):
    assert say(capsys, "train", "--resume", stopped).status == 0
    before = load(stopped).predict(["great film"])
    for name in ("recipe.yaml", "inputs.json", "result.json", "metrics.jsonl", "audit.json"):
        (stopped / name).write_bytes(b"\xff")
    assert load(stopped).predict(["great film"]) == before


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"a": 1}', NESTED, b"\xff"], ids=lambda c: repr(c[:9]))
def test_a_checkpoint_whose_hashes_are_damaged_is_not_used(capsys, stopped, unchecked, content):
    (hashes,) = (stopped / "checkpoints").glob("*/sha256.json")
    hashes.write_bytes(content)
    said = say(capsys, "train", "--resume", stopped)
    assert said.status == 0
    assert "update-00000005 is damaged" in said.out


def test_what_is_no_checkpoint_is_left_alone(capsys, stopped, unchecked):
    (stopped / "checkpoints" / "update-notes").mkdir()
    assert say(capsys, "train", "--resume", stopped).status == 0


@pytest.mark.parametrize(
    "name",
    ["predictions", "checkpoints", "model", "model.partial", "result.json", "metrics.jsonl", "result.json.partial"],
)
def test_a_link_in_a_runs_folder_is_refused_on_resuming_and_nothing_is_written_through_it(
    refused, says, tmp_path_factory, stopped, name
):
    target = tmp_path_factory.mktemp("elsewhere") / name
    if (stopped / name).exists():
        shutil.move(stopped / name, target)
    elif "." in name:
        target.write_text("{}")
    else:
        target.mkdir()
    (stopped / name).symlink_to(target)
    before = sorted(target.parent.rglob("*"))
    says(refused("train", "--resume", "run"), f"run/{name} is a link to {target}")
    assert sorted(target.parent.rglob("*")) == before


def test_a_link_left_in_the_folder_of_a_new_run_is_refused(refused, says, work, train, tmp_path_factory):
    (work / "new").mkdir()
    (work / "new" / "checkpoints").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    says(refused(*train, "--output", "new"), "new/checkpoints is a link")


def test_the_runs_folder_itself_may_be_a_link(capsys, work, train, unchecked, tmp_path_factory):
    (work / "new").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    assert say(capsys, *train, "--train.epochs", 1, "--output", "new").status == 0
