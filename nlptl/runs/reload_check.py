"""Proof that the saved model is the trained one: a fresh process, with another seed, computes the same logits."""

import json
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nlptl.core import registry
from nlptl.core.errors import TrainingError
from nlptl.core.records import Example, Features, Pretrained
from nlptl.core.result import ReloadCheck
from nlptl.runs.other_process import OtherProcess, environment

if TYPE_CHECKING:
    from nlptl.runs.predictor import Predictor

N_EXAMPLES = 16
TOLERANCE = {"fp32": 1e-4, "bf16": 0.1}
"""Largest difference of logits; bf16 has 8 bits: at 8, numbers lie 0.06 apart."""
OTHER_SEED = 8_675_309
TIMEOUT_S = 600
WORDS, STAY = ("-m", "nlptl.runs.reload_check"), "--stay"


def run(folder: Path, answers: np.ndarray, examples: Sequence[Example], precision: str = "fp32") -> ReloadCheck:
    """Loads the saved model in a fresh process and returns the largest difference of the answers.

    Args:
        folder: the run's.
        answers: float32 (n, classes) or int64 (n, tokens), of the model in memory: see `inference.answers`.
        examples: the rows they belong to.
        precision: the number format of the answers.

    Raises:
        TrainingError: the saved model does not load, or differs by more than `TOLERANCE`, in nlptl or, if the model is
            saved for it, in sentence-transformers.
    """
    own = [name for name in _classes(folder) if "." in name]  # the user's own, which loading does not import by itself
    request = {
        "folder": str(folder),
        "own": [name.rpartition(".")[0] for name in own],
        "precision": precision,
        "rows": [[e.row_id, e.text, e.text_pair, e.words] for e in examples],
    }
    other = _OTHER.get()
    out, err = _asked(other, json.dumps(request)) if other else _in_fresh_process(json.dumps(request))
    if out is None:
        raise TrainingError(f"the saved model in {folder} does not load in a fresh process:\n{err[-2000:]}")
    reply = json.loads(out.splitlines()[-1])
    tolerance, through = TOLERANCE[precision], reply["sentence_transformers"]
    diff = _difference(folder, reply["answers"], answers, tolerance, "after reloading")
    if through is None:
        return ReloadCheck(diff, len(examples))
    same = answers[through["features"]]
    tolerance *= max(1.0, float(np.abs(same).max()))  # sums in another order: rounding grows with the numbers
    apart = _difference(folder, through["logits"], same, tolerance, "through sentence-transformers")
    return ReloadCheck(diff, len(examples), apart)


@contextmanager
def one_process() -> Iterator[None]:
    """Within the block, one other process answers all checks: most of what each would take is importing."""
    other = OtherProcess((*WORDS, STAY), TIMEOUT_S)
    token = _OTHER.set(other)
    try:
        yield
    finally:
        _OTHER.reset(token)
        other.end()


_OTHER: ContextVar[OtherProcess | None] = ContextVar("other", default=None)


def _asked(other: OtherProcess, request: str) -> tuple[str | None, str]:
    """Returns the answer, None if there is none, and the error."""
    line = other.ask(request)
    failed = "the process ended" if line is None else json.loads(line).get("error")
    return (line, "") if failed is None else (None, str(failed))


def _in_fresh_process(request: str) -> tuple[str | None, str]:
    command = [sys.executable, *WORDS]
    done = subprocess.run(
        command, input=request, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=environment()
    )
    return (None if done.returncode else done.stdout), done.stderr


def stay() -> None:
    """Runs in the process of `one_process`: answers one request a line."""
    replies, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no reply
    for line in sys.stdin:
        try:
            reply = _answers(line)
        except Exception:  # a damaged model may fail in any way
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), file=replies, flush=True)


def answer() -> None:
    """Runs in the fresh process: reads a request from standard input and prints the answers."""
    sys.stdout.write(json.dumps(_answers(sys.stdin.read())) + "\n")


def _answers(asked: str) -> dict[str, object]:
    """Returns the answers of the model that a request names."""
    import torch

    from nlptl.runs.predictor import Predictor
    from nlptl.runs.run import Run

    request = json.loads(asked)
    for module in request.get("own", []):
        registry.import_module(module)
    torch.manual_seed(OTHER_SEED)
    folder = Run(Path(request["folder"])).model_folder
    predictor = Predictor.open(folder, precision=request.get("precision"))
    examples = [Example(row_id, text, pair, None, words) for row_id, text, pair, words in request["rows"]]
    return {
        "answers": predictor.answers(examples).tolist(),
        "sentence_transformers": _through_sentence_transformers(folder, predictor, examples),
    }


def _through_sentence_transformers(
    folder: Path, predictor: "Predictor", examples: Sequence[Example]
) -> dict[str, object] | None:
    """Returns its logits, and the indices of the features that they belong to; None if it computes none of them."""
    from nlptl.models import sentence_folder

    if not sentence_folder.is_one(folder):
        return None
    features = predictor.task.encode(examples, predictor.pretrained)
    same = _as_text(features, examples, predictor.pretrained)
    rows = [examples[features.example[i]] for i in same]
    texts = [e.text if e.text_pair is None else (e.text, e.text_pair) for e in rows]
    logits = sentence_folder.logits(folder, texts) if same else None
    return None if logits is None else {"features": same, "logits": logits.tolist()}


def _as_text(features: Features, examples: Sequence[Example], pretrained: Pretrained) -> list[int]:
    """Returns the indices of features with the tokens that the tokenizer itself gives to their text or pair, cut.

    Later windows of a long text have others, and so have all features of a task that adds words.
    """
    texts, pairs = [e.text for e in examples], [e.text_pair for e in examples if e.text_pair is not None]
    options = {"truncation": True, "max_length": pretrained.config.max_length, "return_attention_mask": False}
    encoded = pretrained.tokenizer(texts, pairs if len(pairs) == len(texts) else None, **options)["input_ids"]
    tokens = np.split(features.input_ids, features.offsets[1:-1])
    return [i for i, of in enumerate(features.example) if np.array_equal(tokens[i], encoded[of])]


def _difference(folder: Path, found: object, trained: np.ndarray, tolerance: float, when: str) -> float:
    """Returns the largest difference from the answers of the trained model.

    Raises:
        TrainingError: it is above the tolerance, or the shapes differ.
    """
    reloaded = np.array(found)
    if reloaded.shape != trained.shape:
        raise TrainingError(
            f"the model saved in {folder} answers {reloaded.shape} {when}, the one trained {trained.shape}"
        )
    diff = float(np.abs(trained - reloaded).max())
    if not diff <= tolerance:
        raise TrainingError(f"the model saved in {folder} is not the one trained: logits differ by {diff:.3g} {when}")
    return diff


def _classes(folder: Path) -> list[str]:
    inside = folder / "model"
    card = json.loads(((inside if inside.is_dir() else folder) / "nlptl.json").read_text(encoding="utf-8"))
    return [card["task"]["name"], card["method"]["name"]]


if __name__ == "__main__":
    if STAY in sys.argv:
        stay()
    else:
        answer()
