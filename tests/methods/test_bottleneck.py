"""Bottleneck adapters on tiny random models: what they compute, what trains, what is saved, and what is refused."""

from functools import partial
from pathlib import Path

import pytest
import torch
from peft import PeftModel, get_peft_model
from peft.utils import PeftType
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from nlptl.core.errors import InputError
from nlptl.methods import _bottleneck
from nlptl.methods._bottleneck import BottleneckConfig, BottleneckModel, sub_layers
from nlptl.methods._bottleneck_layer import BottleneckLayer
from nlptl.methods._peft_type import register

CASES = (("bert", "cls"), ("roberta", "cls"), ("t5", "cls"), ("t5", "seq2seq"))
HEADS = {("bert", "cls"): ["classifier"], ("roberta", "cls"): ["classifier"], ("t5", "cls"): ["classification_head"]}
AUTO = {"cls": AutoModelForSequenceClassification, "seq2seq": AutoModelForSeq2SeqLM}
ENCODER = dict.fromkeys(("hidden_size", "embedding_size"), 16) | {"intermediate_size": 24, "num_attention_heads": 2}
T5 = {"d_model": 16, "d_kv": 4, "num_heads": 2, "d_ff": 24, "num_decoder_layers": 2, "decoder_start_token_id": 0}

matrix = pytest.mark.parametrize("variant", ["houlsby", "pfeiffer", "parallel"])
cases = pytest.mark.parametrize("case", CASES, ids="-".join)


def tiny_config(model_type: str) -> PreTrainedConfig:
    size = T5 if "t5" in model_type else ENCODER
    return AutoConfig.for_model(model_type, vocab_size=40, num_labels=3, num_hidden_layers=2, **size)


def base_model(case: tuple[str, str]) -> PreTrainedModel:
    torch.manual_seed(0)
    return AUTO[case[1]].from_config(tiny_config(case[0])).eval()


def task_of(model: PreTrainedModel) -> str:
    return "cls" if "Classification" in type(model).__name__ else "seq2seq"


def batch(case: tuple[str, str]) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    input_ids = torch.randint(5, 40, (4, 6), generator=generator)
    if case[0] == "t5":
        input_ids[:, -1] = 1  # T5's classifier reads the only end-of-sequence token of a row
    labels = torch.tensor([0, 1, 2, 1]) if case[1] == "cls" else input_ids.flip(0)
    return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids), "labels": labels}


@torch.no_grad()
def logits(model: nn.Module, case: tuple[str, str], **more) -> torch.Tensor:
    return model.eval()(**batch(case), **more).logits


def adapt(case: tuple[str, str], variant: str = "pfeiffer", base: nn.Module | None = None, **fields) -> PeftModel:
    fields = {"modules_to_save": HEADS.get(case), "bottleneck_dim": 4} | fields
    return get_peft_model(base or base_model(case), BottleneckConfig(variant=variant, **fields))


def train(model: nn.Module, case: tuple[str, str]) -> None:
    torch.manual_seed(2)
    model.train()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=1e-2, weight_decay=0.0)  # decay would change even unused parameters
    for _ in range(3):
        optimizer.zero_grad()
        model(**batch(case)).loss.backward()
        optimizer.step()
    model.eval()


def trained(case: tuple[str, str], variant: str = "pfeiffer", **fields) -> PeftModel:
    model = adapt(case, variant, **fields)
    train(model, case)
    return model


def fill(layer: nn.Module) -> None:
    """Gives the zero parameters values, as training would."""
    torch.manual_seed(3)
    for name, parameter in layer.named_parameters():
        if "bottleneck_" in name:
            nn.init.normal_(parameter, std=0.5)


def wrapped_names(model: nn.Module) -> list[str]:
    return [name for name, module in model.named_modules() if isinstance(module, BottleneckLayer)]


@matrix
@cases
def test_adapters_change_nothing_before_training(case, variant):
    assert torch.equal(logits(adapt(case, variant), case), logits(base_model(case), case))


@matrix
@cases
def test_exactly_adapters_and_head_train(case, variant):
    model = adapt(case, variant)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    n_sub_layers = {"bert": (4, 2), "roberta": (4, 2), "t5": (10, 4)}[case[0]]  # T5: encoder 2 x 2, decoder 2 x 3
    assert len(wrapped_names(model)) == n_sub_layers[variant != "houlsby"]
    assert trainable == {name for name in before if "bottleneck_" in name or ".modules_to_save." in name}
    assert any(".modules_to_save." in name for name in trainable) == (case in HEADS)
    train(model, case)
    assert {name for name, p in model.named_parameters() if not torch.equal(p, before[name])} == trainable


def load_with_peft(base: PreTrainedModel, folder: Path, **options) -> PeftModel:
    return PeftModel.from_pretrained(base, str(folder), **options)


def load_over_another_head(base: PreTrainedModel, folder: Path) -> PeftModel:
    for name, parameter in base.named_parameters():
        if name.startswith("classif"):
            nn.init.normal_(parameter)
    return load_with_peft(base, folder)


def load_with_transformers(base: PreTrainedModel, folder: Path) -> PreTrainedModel:
    info = base.load_adapter(str(folder))
    assert not info.missing_keys
    assert not info.unexpected_keys
    return base


LOADERS = {
    "peft": load_with_peft,
    "peft with little memory": partial(load_with_peft, low_cpu_mem_usage=True),
    "peft under another name": partial(load_with_peft, adapter_name="other"),
    "over another random head": load_over_another_head,
    "transformers": load_with_transformers,
    "transformers by folder": lambda base, folder: AUTO[task_of(base)].from_pretrained(folder),
}


@pytest.mark.parametrize("loader", LOADERS)
@matrix
@cases
def test_a_saved_adapter_gives_equal_logits_when_loaded(case, variant, loader, tmp_path):
    base_model(case).save_pretrained(tmp_path / "base")
    bases = [AUTO[case[1]].from_pretrained(tmp_path / "base") for _ in range(2)]
    model = trained(case, variant, base=bases[0])
    model.save_pretrained(tmp_path / "adapter")
    loaded = LOADERS[loader](bases[1], tmp_path / "adapter")
    assert not torch.equal(logits(loaded, case), logits(base_model(case), case))
    assert torch.equal(logits(loaded, case), logits(model, case))


@matrix
@cases
def test_disabled_adapters_leave_the_base_model(case, variant):
    model, base = trained(case, variant), base_model(case)
    with model.disable_adapter():
        assert torch.equal(logits(model, case), logits(base, case))
    assert not torch.equal(logits(model, case), logits(base, case))


@matrix
@cases
def test_unload_gives_the_base_back_with_the_trained_head(case, variant):
    unloaded, base = trained(case, variant).unload().state_dict(), base_model(case).state_dict()
    changed = {name for name in base if not torch.equal(base[name], unloaded[name])}
    assert unloaded.keys() == base.keys()
    assert changed == {name for name in base if name.split(".")[0] in HEADS.get(case, [])}


@matrix
@cases
def test_each_row_of_a_batch_may_have_its_own_adapter(case, variant):
    # PEFT mixes saved modules only where these are plain layers, so composite heads are given by their parts.
    parts = {"bert": ["classifier"], "roberta": ["classifier.dense", "classifier.out_proj"]}
    t5_parts = ["classification_head.dense", "classification_head.out_proj"]
    heads = parts.get(case[0], t5_parts) if case in HEADS else None
    model = trained(case, variant, modules_to_save=heads)
    model.add_adapter("second", BottleneckConfig(variant="houlsby", bottleneck_dim=2, modules_to_save=heads))
    model.set_adapter("second")
    train(model, case)
    second = logits(model, case)
    model.set_adapter("default")
    mixed = logits(model, case, adapter_names=["default", "second", "__base__", "second"])
    expected = torch.stack([logits(model, case)[0], second[1], logits(base_model(case), case)[2], second[3]])
    torch.testing.assert_close(mixed, expected)
    assert not torch.allclose(expected[1], logits(model, case)[1])


def test_adapters_can_be_added_switched_and_deleted():
    case = ("bert", "cls")
    model = trained(case, "pfeiffer")
    first = logits(model, case)
    model.add_adapter("second", BottleneckConfig(variant="houlsby", bottleneck_dim=2, modules_to_save=["classifier"]))
    assert torch.equal(logits(model, case), first)
    assert not any("second" in name for name, p in model.named_parameters() if p.requires_grad)
    model.set_adapter("second")
    assert all(".second." in name for name, p in model.named_parameters() if p.requires_grad)
    train(model, case)
    model.set_adapter("default")
    model.delete_adapter("second")
    assert torch.equal(logits(model, case), first)
    assert not any("second" in name for name in model.state_dict())


@pytest.mark.parametrize(("case", "stack"), [(("bert", "cls"), "encoder.layer"), (("t5", "seq2seq"), "block")])
def test_layers_to_transform_restricts_the_layers(case, stack):
    every = wrapped_names(adapt(case, "houlsby"))
    chosen = wrapped_names(adapt(case, "houlsby", layers_to_transform=[1]))
    assert chosen == [name for name in every if f".{stack}.1." in name]
    assert len(chosen) == len(every) / 2


def test_a_layer_that_the_model_lacks_is_refused_before_the_model_is_changed():
    base = base_model(("bert", "cls"))
    with pytest.raises(InputError, match=r"has \[7\], which this model lacks; its layers are \[0, 1\]"):
        adapt(("bert", "cls"), base=base, layers_to_transform=[1, 7])
    assert not wrapped_names(base)


def test_exclude_modules_leaves_sub_layers_out():
    model = adapt(("bert", "cls"), "houlsby", exclude_modules=r".*attention\.output")
    assert len(wrapped_names(model)) == 2
    assert not any("attention" in name for name in wrapped_names(model))


@matrix
@cases
def test_training_works_under_bfloat16_autocast(case, variant):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(logits(adapt(case, variant), case), logits(base_model(case), case))
        model = trained(case, variant)
    assert all(p.dtype == torch.float32 and p.grad.isfinite().all() for p in model.parameters() if p.requires_grad)


def test_adapters_stay_float32_on_a_bfloat16_base():
    case = ("t5", "seq2seq")
    model = adapt(case, base=base_model(case).bfloat16())
    assert {p.dtype for name, p in model.named_parameters() if "bottleneck_" in name} == {torch.float32}
    assert logits(model, case).dtype == torch.bfloat16


@matrix
@cases
def test_gradient_checkpointing_gives_the_same_gradients(case, variant):
    gradients = []
    for checkpointing in (False, True):
        model = adapt(case, variant)
        fill(model)
        if checkpointing:
            model.activation_checkpointing_enable()
        assert model.is_activation_checkpointing == checkpointing
        model.train()(**batch(case)).loss.backward()  # `fill` has seeded the dropout
        gradients.append([p.grad for p in model.parameters() if p.requires_grad])
    torch.testing.assert_close(*gradients)


class WithBackbone(nn.Module):
    """A model of one's own: a transformers backbone and a head."""

    def __init__(self, model_type: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        model = AutoModel.from_config(tiny_config(model_type))
        self.backbone = model.get_encoder() if model_type == "t5" else model
        self.head = nn.Linear(16, 3)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.backbone(input_ids).last_hidden_state.mean(1))


@matrix
@pytest.mark.parametrize("model_type", ["bert", "roberta", "t5"])
@torch.no_grad()  # with gradients, a frozen T5 takes another attention kernel than a trainable one, and differs by 1e-7
def test_a_backbone_inside_a_plain_module_is_adapted(model_type, variant, tmp_path):
    ids = batch(("bert", "cls"))["input_ids"]
    model = get_peft_model(WithBackbone(model_type), BottleneckConfig(variant=variant, modules_to_save=["head"])).eval()
    assert torch.equal(model(ids), WithBackbone(model_type).eval()(ids))
    fill(model)
    model.save_pretrained(tmp_path)
    loaded = load_with_peft(WithBackbone(model_type), tmp_path).eval()
    assert torch.equal(loaded(ids), model(ids))
    assert len(wrapped_names(model)) == (4 if variant == "houlsby" else 2)


@pytest.mark.parametrize("model_type", sub_layers())
def test_every_known_family_has_its_sub_layers_found(model_type):
    n_layers = 4 if model_type in {"t5", "mt5", "bart"} else 2
    config = tiny_config(model_type)
    config.pad_token_id, config.decoder_layers = 0, 2
    model = AutoModel.from_config(config)
    assert len(wrapped_names(get_peft_model(model, BottleneckConfig()))) == n_layers


def test_an_unknown_family_works_once_its_sub_layers_are_given():
    config = tiny_config("camembert")
    targets = {"variant": "houlsby", "target_modules": r".*layer\.\d+\.(attention\.)?output"}
    with pytest.raises(InputError, match=r"'camembert' are not known.*Give target_modules"):
        get_peft_model(AutoModel.from_config(config), BottleneckConfig())
    ids, base = batch(("bert", "cls"))["input_ids"], AutoModel.from_config(config).eval()
    expected = base(ids).last_hidden_state
    model = get_peft_model(base, BottleneckConfig(**targets, layers_to_transform=[1])).eval()
    assert [name.rpartition("layer.")[2] for name in wrapped_names(model)] == ["1.attention.output", "1.output"]
    assert torch.equal(model(ids).last_hidden_state, expected)


def test_merging_is_refused():
    model = trained(("bert", "cls"))
    for merge in (model.merge_and_unload, model.merge_adapter):
        with pytest.raises(NotImplementedError, match="cannot be merged into the base model"):
            merge()


def test_registering_twice_changes_nothing():
    members = list(PeftType)
    register(_bottleneck.NAME, BottleneckConfig, BottleneckModel)
    assert list(PeftType) == members
    assert PeftType("BOTTLENECK") is PeftType.BOTTLENECK is PeftType["BOTTLENECK"]
    assert members.count("BOTTLENECK") == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"variant": "pfeifer"}, r"unknown variant 'pfeifer' \(did you mean 'pfeiffer'\?\); known: houlsby"),
        ({"non_linearity": "rellu"}, r"unknown non_linearity 'rellu' \(did you mean 'relu'\?\)"),
        ({"bottleneck_dim": 0}, "bottleneck_dim must be at least 1, got 0"),
        ({"adapter_dropout": 1.0}, "adapter_dropout must be at least 0 and below 1, got 1.0"),
        ({"layers_to_transform": []}, "layers_to_transform is empty"),
    ],
)
def test_a_wrong_setting_is_refused(fields, message):
    with pytest.raises(InputError, match=message):
        BottleneckConfig(**fields)


def test_wrong_adapter_names_are_refused():
    case, rows = ("bert", "cls"), ["default"] * 4
    model = adapt(case, modules_to_save=None)
    with pytest.raises(InputError, match="got 2 names for 4 rows"):
        logits(model, case, adapter_names=rows[:2])
    with pytest.raises(InputError, match=r"unknown adapters \['x'\]; known: default, __base__"):
        logits(model, case, adapter_names=["x", *rows[1:]])
    with pytest.raises(InputError, match="inference only"):
        model.train()(**batch(case), adapter_names=rows)
