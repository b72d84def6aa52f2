"""Every family x method x head on tiny models: what trains, what stays, and that what was trained is what loads."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from nlptl.core.errors import InputError, TrainingError
from nlptl.core.protocols import Method
from nlptl.core.recipe import Recipe
from nlptl.core.records import Pretrained
from nlptl.engine import loop
from nlptl.methods.adapter import Adapter
from nlptl.methods.full import Full
from nlptl.methods.lora import LoRA
from nlptl.methods.partial import Partial
from nlptl.methods.probe import Probe
from nlptl.runs import artifact, reload_check
from tests import tiny

METHODS: dict[str, Method] = {
    "full": Full(),
    "probe": Probe(),
    "partial": Partial(layers="last:1"),
    "lora": LoRA(rank=2),
    "dora": LoRA(rank=2, decomposition="dora"),
    "rslora": LoRA(rank=2, scale="rslora"),
    "pfeiffer": Adapter(bottleneck=4),
    "houlsby": Adapter(variant="houlsby", bottleneck=4),
    "parallel": Adapter(variant="parallel", bottleneck=4),
}
POOLED = ("mean", "cls", "max")
HEADS = ("native", *POOLED, "label_words")
Case = tuple[str, str, str]


def makes_sense(case: Case) -> bool:
    family, method, head = case
    if method == "partial" and family == "t5" and head not in POOLED:
        return False  # no single stack of layers
    return (method != "probe" or head in POOLED) and (family == "t5" or head != "label_words")


CASES = [c for f in tiny.FAMILIES for m in METHODS for h in HEADS if makes_sense(c := (f, m, h))]
INSERTED = [c for c in CASES if c[1] not in ("full", "partial", "probe")]
FRESH = [c for i, c in enumerate(CASES) if CASES.index(next(o for o in CASES if o[:2] == c[:2])) == i or c[2] == "max"]

cases = pytest.mark.parametrize("case", CASES, ids="-".join)
inserted = pytest.mark.parametrize("case", INSERTED, ids="-".join)


@dataclass
class Trained:
    """A case after three updates, and where it was saved."""

    pretrained: Pretrained
    before: dict[str, torch.Tensor]
    start: torch.Tensor
    logits: torch.Tensor
    folder: Path


@pytest.fixture(scope="module")
def trained(tiny_folders, tmp_path_factory) -> Callable[[Case], Trained]:
    """Trains and saves a case, once."""
    found: dict[Case, Trained] = {}

    def get(case: Case) -> Trained:
        if case not in found:
            found[case] = train(case, tiny_folders[case[0]], tmp_path_factory.mktemp("-".join(case)))
        return found[case]

    return get


def train(case: Case, base: Path, folder: Path) -> Trained:
    pretrained = tiny.prepared(base, METHODS[case[1]], case[2])
    before, start = tiny.state(pretrained.module), tiny.logits(pretrained)
    job, _ = tiny.job(pretrained, folder / "checkpoints", tiny.train_config(weight_decay=0.0))
    assert loop.train(job, tiny.fp32()).update == 3
    artifact.save(folder / "model", pretrained, Recipe(method=METHODS[case[1]]), {"text": "text"})
    return Trained(pretrained, before, start, tiny.logits(pretrained), folder / "model")


# What trains, written out by hand.

NATIVE = {
    "bert": ("bert.", "classifier", ["weight", "bias"]),
    "roberta": ("roberta.", "classifier", ["dense.weight", "dense.bias", "out_proj.weight", "out_proj.bias"]),
    "t5": ("transformer.", "classification_head", ["dense.weight", "dense.bias", "out_proj.weight", "out_proj.bias"]),
}
BERT_LINEAR = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
BERT_LINEAR += ["intermediate.dense", "output.dense"]
T5_ENCODER = [f"layer.0.SelfAttention.{x}" for x in "qkvo"] + [f"layer.1.DenseReluDense.{x}" for x in ("wi", "wo")]
T5_DECODER = [f"layer.{i}.{n}.{x}" for i, n in enumerate(("SelfAttention", "EncDecAttention")) for x in "qkvo"]
T5_DECODER += [f"layer.2.DenseReluDense.{x}" for x in ("wi", "wo")]


def place(family: str, head: str) -> tuple[str, str, list[str]]:
    """Returns what stands before the names of the encoder, the head's name, and its parameters."""
    if head == "label_words":
        return "", "", []
    return NATIVE[family] if head == "native" else ("backbone.", "classifier", ["weight", "bias"])


def linear(family: str, head: str) -> list[str]:
    start = place(family, head)[0]
    if family != "t5":
        return [f"{start}encoder.layer.{i}.{name}" for i in (0, 1) for name in BERT_LINEAR]
    names = [f"{start}encoder.block.{i}.{name}" for i in (0, 1) for name in T5_ENCODER]
    decodes = head in ("native", "label_words")
    return names + [f"{start}decoder.block.{i}.{name}" for i in (0, 1) for name in T5_DECODER if decodes]


def sub_layers(family: str, head: str, variant: str) -> list[str]:
    blocks = {name.rpartition(".")[0] for name in linear(family, head)}
    if family == "t5":
        return [b for b in blocks if variant == "houlsby" or b.endswith("DenseReluDense")]
    found = {b for b in blocks if b.endswith("output")}
    return [b for b in found if variant == "houlsby" or not b.endswith("attention.output")]


def whole_net(family: str, head: str) -> set[str]:
    config = tiny.make_net(family).config
    if head in ("native", "label_words"):
        auto = transformers.AutoModelForSequenceClassification
        auto = transformers.AutoModelForSeq2SeqLM if head == "label_words" else auto
        return {name for name, _ in auto.from_config(config).named_parameters()}
    if family == "t5":
        encoder = transformers.T5EncoderModel(config)
    else:
        encoder = transformers.AutoModel.from_config(config, add_pooling_layer=False)
    return {f"backbone.{name}" for name, _ in encoder.named_parameters()} | {"classifier.weight", "classifier.bias"}


def expected_names(case: Case) -> set[str]:
    family, method, head = case
    _, head_name, head_parameters = place(family, head)
    if method == "full":
        return whole_net(family, head)
    if method == "probe":
        return {"classifier.weight", "classifier.bias"}
    if method == "partial":
        above = re.compile(r"encoder\.(layer|block)\.1\.|pooler|encoder\.final_layer_norm|^classifier")
        return {name for name in whole_net(family, head) if above.search(name)}
    names = {f"{head_name}.modules_to_save.default.{p}" for p in head_parameters}
    if method in ("lora", "dora", "rslora"):
        parts = ("lora_A", "lora_B", *(["lora_magnitude_vector"] if method == "dora" else []))
        return names | {f"{name}.{part}.default.weight" for name in linear(family, head) for part in parts}
    parts = [f"bottleneck_{d}.default.{p}" for d in ("down", "up") for p in ("weight", "bias")]
    return names | {f"{block}.{part}" for block in sub_layers(family, head, method) for part in parts}


@cases
def test_exactly_the_expected_parameters_train(case, trained):
    assert tiny.trainable(trained(case).pretrained.module.net) == expected_names(case)


@inserted
def test_a_method_that_inserts_starts_at_the_base_model(case, tiny_folders, trained):
    base = tiny.logits(tiny.load(tiny_folders[case[0]], case[2]))
    start = trained(case).start
    if case[1] == "dora":  # it divides each column by its norm and multiplies it again
        torch.testing.assert_close(start, base, rtol=1e-5, atol=1e-5)
    else:
        assert torch.equal(start, base)


@cases
def test_three_updates_change_all_that_trains_and_nothing_else(case, trained):
    run = trained(case)
    names, after = tiny.trainable(run.pretrained.module), tiny.state(run.pretrained.module)
    changed = {name for name in after if not torch.equal(run.before[name], after[name])}
    assert changed == names
    assert all(p.isfinite().all() for p in after.values())


@cases
def test_a_saved_model_gives_the_same_logits_when_loaded_over_another_head(case, trained):
    run = trained(case)
    assert (run.logits - run.start).abs().max() > 1e-3  # else an untrained model would pass, too
    torch.manual_seed(123)
    loaded, task, method, columns = artifact.load(run.folder)
    assert torch.equal(tiny.logits(loaded), run.logits)
    assert (type(method), columns, loaded.labels) == (type(METHODS[case[1]]), {"text": "text"}, tiny.LABELS)
    assert type(task) is type(Recipe().task)


@pytest.mark.parametrize("name", METHODS)
def test_a_stored_method_is_read_back_as_it_was(name):
    stored = json.loads(json.dumps(Recipe(method=METHODS[name]).to_dict()))
    assert Recipe.from_dict(stored).method == METHODS[name]


@cases
def test_an_artifact_holds_neither_pickles_nor_what_it_need_not_hold(case, trained):
    folder = trained(case).folder
    assert {p.suffix for p in folder.rglob("*") if p.is_file()} <= {".json", ".safetensors", ".md"}
    whole = sum(p.numel() for p in tiny.state(trained(case).pretrained.module).values())
    kept = sum(t.numel() for p in folder.rglob("*.safetensors") for t in load_file(p).values())
    assert kept >= whole if METHODS[case[1]].self_contained else kept < whole / 2


def test_saved_models_give_the_same_logits_in_a_fresh_process(trained):
    """One process answers for many folders: most of a process is importing."""
    script = (
        "import io, json, sys\n"
        "from nlptl.runs import reload_check\n"
        "for request in json.load(sys.stdin):\n"
        "    sys.stdin = io.StringIO(json.dumps(request)); reload_check.answer()\n"
    )
    rows = [[e.row_id, e.text, e.text_pair, None] for e in tiny.examples()]
    requests = [{"folder": str(trained(case).folder), "rows": rows} for case in FRESH]
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(requests), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[-len(FRESH) :]
    assert len({case[:2] for case in FRESH}) == len(tiny.FAMILIES) * len(METHODS)
    for case, line in zip(FRESH, lines, strict=True):
        answers = torch.tensor(json.loads(line)["answers"])
        torch.testing.assert_close(answers, trained(case).logits, rtol=0, atol=1e-6, msg=case)


@pytest.mark.slow
def test_the_reload_check_passes_what_was_trained(trained):
    run = trained(("t5", "houlsby", "label_words"))
    found = reload_check.run(run.folder, run.logits.numpy(), tiny.examples())
    assert found.n_examples == 24
    assert found.max_abs_diff <= 1e-6


def test_the_reload_check_stops_a_run_whose_saved_weights_are_others(trained, other_process):
    run = trained(("bert", "probe", "mean"))
    with (
        other_process.answering(),
        pytest.raises(TrainingError, match=r"is not the one trained: logits differ by 0\.1"),
    ):
        reload_check.run(run.folder, run.logits.numpy() + 0.1, tiny.examples())


# What makes no sense is refused, with the reason.


@pytest.mark.parametrize("head", ["native", "label_words"])
def test_a_probe_needs_a_linear_head_over_pooled_vectors(tiny_folders, head):
    with pytest.raises(
        InputError, match=r"fits a linear head on the encoder\'s vectors: use model\.pooling mean, cls or max"
    ):
        tiny.prepared(tiny_folders["t5"], Probe(), head)


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("method", METHODS)
def test_label_words_need_a_model_that_writes_text(folder, family, method):
    with pytest.raises(InputError, match=rf"label_words needs a text-to-text model \(T5, BART\); .* is a {family}"):
        tiny.prepared(folder, METHODS[method], "label_words")


@pytest.mark.parametrize("method", [LoRA(layers="last:1"), Adapter(layers="last:1")], ids=["lora", "adapter"])
@pytest.mark.parametrize("head", ["native", "label_words"])
def test_the_last_layers_of_a_model_that_decodes_are_not_named(tiny_folders, method, head):
    with pytest.raises(
        InputError, match=r"method\.layers needs an encoder with a head over it, and this model also decodes"
    ):
        tiny.prepared(tiny_folders["t5"], method, head)


@pytest.mark.parametrize("layers", ["last:0", "last:3", "first:1", "last", "last:x", "1"])
@pytest.mark.parametrize("method", [LoRA, Adapter])
def test_layers_that_the_model_lacks_are_refused(tiny_folders, method, layers):
    with pytest.raises(InputError, match=rf'must be "all" or "last:k" with k from 1 to 2, found {layers!r}'):
        tiny.prepared(tiny_folders["bert"], method(layers=layers))


def test_a_target_that_matches_no_layer_is_refused_with_the_nearest(tiny_folders):
    with pytest.raises(InputError, match=r"no linear layer ends in 'querry' \(did you mean 'query'\?\); endings: "):
        tiny.prepared(tiny_folders["bert"], LoRA(targets=["querry", "value"]))


def test_label_words_and_a_pooling_are_refused_together(tiny_folders):
    with pytest.raises(InputError, match=r"pooling"):
        tiny.load(tiny_folders["t5"], "mean", head="label_words")


@pytest.mark.parametrize(
    ("targets", "endings"),
    [("attention", {"query", "key", "value", "attention.output.dense"}), (["query", "value"], {"query", "value"})],
)
def test_lora_adapts_only_its_targets(tiny_folders, targets, endings):
    net = tiny.prepared(tiny_folders["bert"], LoRA(rank=2, targets=targets)).module.net
    adapted = {name.partition(".lora_")[0] for name in tiny.trainable(net) if ".lora_" in name}
    wanted = {n for n in linear("bert", "native") if any(n.endswith(f".{e}") for e in endings)}
    assert adapted == wanted


@pytest.mark.parametrize("method", [LoRA(layers="last:1"), Adapter(layers="last:1")], ids=["lora", "adapter"])
@pytest.mark.parametrize("head", ["native", "mean"])
def test_the_last_layer_alone_can_be_adapted(tiny_folders, method, head):
    net = tiny.prepared(tiny_folders["roberta"], method, head).module.net
    assert {n.split("layer.")[1][0] for n in tiny.trainable(net) if "layer." in n} == {"1"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LoRA(rank=0), "method.rank must be at least 1, found 0"),
        (lambda: LoRA(dropout=1.0), "method.dropout must be between 0.0 and 0.99, found 1.0"),
        (lambda: LoRA(alpha=0), "method.alpha must be above 0, found 0"),
        (lambda: Adapter(bottleneck=0), "method.bottleneck must be at least 1, found 0"),
        (lambda: Adapter(dropout=-0.1), "method.dropout must be between 0.0 and 0.99, found -0.1"),
        (lambda: Probe(strengths=()), "method.strengths must be numbers above 0, found ()"),
        (lambda: Probe(n_folds=1), "method.n_folds must be between 2 and 100, found 1"),
        (lambda: Probe(n_search=9), "method.n_search must be at least 10, found 9"),
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == message
