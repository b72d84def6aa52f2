"""What nlptl takes from the insides of other libraries is still as it knows it.

If a test here fails after an update, its message names what has changed there; CONTRIBUTING.md ("What we take from
others' insides") says where nlptl uses it, and what a run does without it.
"""

import argparse
import ast
import ctypes
import enum
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from pathlib import Path

import accelerate.utils.launch
import peft
import pytest
import torch
import transformers
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, GeneralTracker
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING, PEFT_TYPE_TO_TUNER_MAPPING
from peft.tuners.tuners_utils import BaseTuner
from peft.utils import PeftType, register_peft_method
from torch import nn
from torch.nn import functional
from torch.nn.attention.varlen import varlen_attn
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.models.bart.modeling_bart import shift_tokens_right
from transformers.pytorch_utils import Conv1D

from nlptl.core.errors import InputError
from nlptl.engine import device, fast_linear, frozen, memory, optim, sharding, used_rows
from nlptl.methods import _bottleneck, _peft_hook, _peft_type
from nlptl.methods.parts.linear_layers import is_transposed
from nlptl.models import attend, dropout
from nlptl.models.families.bart import BartEncoderModel
from tests.test_structure import FILES, name_of, tree

WHERE = {
    "_linear_pointwise": "engine/fast_linear.py",
    "grad_scale": "engine/optim.py",
    "found_inf": "engine/optim.py",
    "mallopt": "engine/memory.py",
    "should_reduce_batch_size": "engine/memory.py",
    "LOGGER_TYPE_TO_CLASS": "engine/trackers.py",
    "_is_avx512_bf16_supported": "engine/device.py",
    "_flash_attention_forward": "models/varlen.py",
    "varlen_attn": "models/varlen.py",
    "AttentionInterface": "models/attend.py",
    "AttentionMaskInterface": "models/attend.py",
    "ALL_ATTENTION_FUNCTIONS": "models/attend.py",
    "sdpa_mask": "models/attend.py",
    "_gradient_checkpointing_func": "models/sequence.py",
    "_init_weights": "models/fresh.py",
    "_is_hf_initialized": "models/fresh.py",
    "_shift_right": "models/families/t5.py",
    "shift_tokens_right": "models/families/bart.py",
    "_name_": "methods/_peft_type.py",
    "_value_": "methods/_peft_type.py",
    "_sort_order_": "methods/_peft_type.py",
    "_member_names_": "methods/_peft_type.py",
    "_member_map_": "methods/_peft_type.py",
    "_value2member_map_": "methods/_peft_type.py",
    "tuners_utils": "methods/_peft_type.py",
    "meta_path": "methods/_peft_hook.py",
}
"""What is private or undocumented, and the one file that uses it."""
DOCUMENTED = {"_replace", "_asdict", "_repr_html_"}


def upstream(change: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a test fail with the words for the change in another library that it has found."""

    def named(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def run(*given: object, **named: object) -> None:
            try:
                test(*given, **named)
            except (Exception, pytest.fail.Exception) as error:
                raise AssertionError(f"{change} [{type(error).__name__}: {error}]") from error

        return run

    return named


def test_a_guard_says_which_change_it_has_found():
    @upstream("torch has renamed it")
    def guard():
        assert nn.no_such_layer

    with pytest.raises(AssertionError, match=r"torch has renamed it \[AttributeError: .*no_such_layer"):
        guard()


@pytest.mark.parametrize(("name", "place"), WHERE.items(), ids=WHERE)
def test_each_private_name_is_used_in_one_place(name, place):
    users = [name_of(path) for path in FILES if re.search(rf"\b{name}\b", path.read_text(encoding="utf-8"))]
    assert users == [place]


def test_no_other_private_name_is_used():
    own = {node.name for path in FILES for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)}
    wrong = []
    for path in FILES:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Attribute) or not re.match(r"_[a-z]", node.attr):
                continue
            ours = ast.unparse(node.value) in ("self", "cls") or node.attr in own
            if not ours and node.attr not in WHERE.keys() | DOCUMENTED:
                wrong.append(f"{name_of(path)}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


def test_the_table_of_contributing_names_each_file():
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("## What we take from others' insides")[2].partition("\n## ")[0]
    assert [place for place in WHERE.values() if place.removesuffix(".py") not in table] == []


# torch: layers and kernels.


@upstream("torch.ops.mkldnn._linear_pointwise has other arguments or gives other values than a linear layer")
def test_onednn_s_product():
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this torch was built without oneDNN")
    found = [str(a.name) for a in torch.ops.mkldnn._linear_pointwise.default._schema.arguments]
    assert found == ["X", "W", "B", "attr", "scalars", "algorithm"]
    assert fast_linear._agrees()


@upstream("nn.Linear no longer calls torch.nn.functional.linear(input, weight, bias), which a TorchFunctionMode sees")
def test_linear_layers_call_the_function():
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append((func, len(args), kwargs or {}))
            return func(*args, **(kwargs or {}))

    layer, x = nn.Linear(3, 2), torch.ones(1, 2, 3)
    with torch.no_grad(), Mode():
        layer(x)
    assert [entry for entry in seen if entry[0] is functional.linear] == [(functional.linear, 3, {})]


@upstream("nn.Module no longer calls the `forward` that an instance was given, or autocast rounds weights otherwise")
def test_a_linear_layer_s_forward_can_be_replaced():
    layer, x = nn.Linear(3, 2), torch.ones(1, 3)
    layer.forward = lambda given: given * 7
    assert torch.equal(layer(x), x * 7)
    del layer.forward
    assert torch.equal(layer(x), functional.linear(x, layer.weight, layer.bias))
    assert frozen._agrees(torch.device("cpu"))


@upstream("nn.Embedding no longer looks up rows of `weight`, and nothing else")
def test_an_embedding_s_weight_can_be_replaced():
    assert used_rows._agrees()


@upstream("an nn.Dropout can no longer become another class, or some module has a `place` of its own")
def test_dropout_modules_can_become_ours():
    model = nn.Sequential(nn.Dropout(0.5), transformers.BertModel(tiny_config()))
    assert not [m for m in model.modules() if hasattr(m, "place")]
    n_dropouts = sum(type(m) is nn.Dropout for m in model.modules())
    dropout.place(model, dropout.Draws())
    assert sum(type(m) is dropout.Dropout for m in model.modules()) == n_dropouts > 3
    assert set(model[0](torch.ones(3, 40)).flatten().tolist()) == {0.0, 2.0}


@upstream("torch.ops.aten._flash_attention_forward has other arguments")
def test_flash_attention_s_arguments():
    names = [a.name for a in torch.ops.aten._flash_attention_forward.default._schema.arguments]
    assert names[:7] == ["query", "key", "value", "cum_seq_q", "cum_seq_k", "max_q", "max_k"]
    assert names[7:10] == ["dropout_p", "is_causal", "return_debug_mask"]
    assert "scale" in names


@upstream("torch.nn.attention.varlen.varlen_attn has other arguments")
def test_varlen_attn_s_arguments():
    found = inspect.signature(varlen_attn).parameters
    assert list(found)[:7] == ["query", "key", "value", "cu_seq_q", "cu_seq_k", "max_q", "max_k"]
    assert found["scale"].kind is inspect.Parameter.KEYWORD_ONLY
    assert found["return_aux"].default is None  # else it returns a pair


@upstream("torch.cpu._is_avx512_bf16_supported and _is_amx_tile_supported no longer say what the processor has")
def test_torch_says_whether_the_processor_has_bf16():
    if not fast_linear.CPU_INFO.exists():
        pytest.skip("the system does not say it")
    flags = set(re.findall(r"^flags\s*:(.*)$", fast_linear.CPU_INFO.read_text(), re.MULTILINE)[0].split())
    assert torch.cpu._is_avx512_bf16_supported() is ("avx512_bf16" in flags)
    assert torch.cpu._is_amx_tile_supported() in (False, "amx_tile" in flags)  # false if the system does not allow it
    if not torch.cuda.is_available():
        assert device.has_bf16() is (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


# torch: the optimizer.


def stepped(**more) -> tuple[torch.optim.AdamW, nn.Parameter]:
    weight = nn.Parameter(torch.ones(2, 2))
    weight.grad = torch.ones(2, 2)
    made = optim.optimizer([weight], 0.1, 0.0, **more)
    made.step()
    return made, weight


@upstream("fused AdamW no longer divides gradients by its grad_scale, or no longer leaves out a step for its found_inf")
def test_adamw_scales_on_the_way():
    assert optim._agrees()


@upstream("torch.optim.AdamW no longer keeps state['step'], state['exp_avg'] and state['exp_avg_sq'] as tensors")
def test_adamw_s_state():
    made, weight = stepped()
    (state,) = made.state.values()
    assert {name: (type(v), v.shape) for name, v in state.items()} == {
        "step": (torch.Tensor, ()),
        "exp_avg": (torch.Tensor, (2, 2)),
        "exp_avg_sq": (torch.Tensor, (2, 2)),
    }
    saved = optim.moments(made, {weight: "w"})
    again, other = stepped()
    optim.set_moments(again, {other: "w"}, {name: value + 1 for name, value in saved.items()})
    assert optim.moments(again, {other: "w"}) == {name: pytest.approx(value + 1) for name, value in saved.items()}


# The memory's allocators.


@upstream("glibc no longer takes mallopt's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, or has no malloc_trim")
def test_glibc_s_allocator_takes_its_settings():
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        pytest.skip("the system has another libc")
    assert libc.mallopt(memory.M_TRIM_THRESHOLD, memory.MOST_KEPT) == 1
    assert libc.mallopt(memory.M_MMAP_THRESHOLD, memory.LARGEST_KEPT) == 1
    assert libc.malloc_trim(0) in (0, 1)


@pytest.mark.parametrize("libc", ["none", OSError("no such library"), TypeError("a name is wanted")], ids=str)
def test_without_glibc_the_allocator_is_left_as_it_is(monkeypatch, libc):
    def opened(name):
        if isinstance(libc, Exception):
            raise libc
        return libc

    monkeypatch.setattr(ctypes, "CDLL", opened)
    memory.keep()
    memory.give_back()


@upstream("accelerate.utils.memory.should_reduce_batch_size no longer knows the errors of torch's allocators")
def test_errors_of_allocators_are_known():
    with pytest.raises(RuntimeError) as found:
        torch.empty(2**60, dtype=torch.uint8)
    assert memory.ran_out(found.value)
    assert memory.ran_out(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert not memory.ran_out(RuntimeError("shapes differ"))


# accelerate.


@upstream("accelerate.tracking.LOGGER_TYPE_TO_CLASS no longer maps names to subclasses of GeneralTracker")
def test_accelerate_s_trackers():
    for name in ("tensorboard", "wandb", "trackio", "mlflow"):
        assert issubclass(LOGGER_TYPE_TO_CLASS[name], GeneralTracker)
        assert LOGGER_TYPE_TO_CLASS[name].requires_logging_directory in (True, False)
    assert LOGGER_TYPE_TO_CLASS["tensorboard"].requires_logging_directory
    assert list(inspect.signature(LOGGER_TYPE_TO_CLASS["tensorboard"]).parameters)[:2] == ["run_name", "logging_dir"]


@upstream("accelerate launch no longer tells its processes what it was configured for by these variables")
def test_the_variables_of_accelerate_s_launcher():
    source = inspect.getsource(accelerate.utils.launch)
    names = {*sharding.NOT_READ, "ACCELERATE_USE_FSDP", "FSDP_VERSION", "FSDP_RESHARD_AFTER_FORWARD"}
    names |= {"ACCELERATE_USE_DEEPSPEED", "ACCELERATE_DEEPSPEED_ZERO_STAGE", "ACCELERATE_MIXED_PRECISION"}
    assert sorted(name for name in names if f'"{name}"' not in source) == []


# transformers.


def tiny_config(**fields) -> transformers.BertConfig:
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8, "vocab_size": 9}
    return transformers.BertConfig(num_hidden_layers=1, **sizes, **fields)


@upstream("transformers' layers no longer call a registered attention function, with what they were given besides")
def test_a_registered_attention_function_is_called():
    seen = []

    def attention(module, query, key, value, attention_mask, *, packing=None, **kwargs):
        seen.append((query.shape, attention_mask, packing, "scaling" in kwargs, "dropout" in kwargs))
        return attend.transformers_own(module, query, key, value, attention_mask, **kwargs)

    attend.register("nlptl_guard", attention)
    config = tiny_config(attn_implementation="nlptl_guard")
    layer = transformers.BertModel(config).eval().encoder.layer[0]
    out = layer(torch.randn(1, 5, 8), None, packing="where")
    assert seen == [((1, 2, 5, 4), None, "where", True, True)]
    assert out.shape == (1, 5, 8)


@upstream("ALL_ATTENTION_FUNCTIONS['sdpa'] of transformers gives other values than scaled_dot_product_attention")
def test_transformers_own_attention():
    q, k, v = torch.randn(3, 1, 2, 5, 4)
    layer = argparse.Namespace(is_causal=False)
    out, weights = attend.transformers_own(layer, q, k, v, None, dropout=0.0, scaling=0.5)
    expected = functional.scaled_dot_product_attention(q, k, v, scale=0.5)
    torch.testing.assert_close(out.transpose(1, 2), expected)
    assert weights is None


@upstream("GradientCheckpointingLayer no longer runs through _gradient_checkpointing_func if gradient_checkpointing")
def test_layers_compute_again_through_their_function():
    class Layer(GradientCheckpointingLayer):
        def forward(self, x, mask=None):
            return x * 2

    layer, seen, x = Layer().train(), [], torch.ones(2)
    layer.gradient_checkpointing = True
    layer._gradient_checkpointing_func = lambda run, *given: seen.append(given) or run(*given)
    assert torch.equal(layer(x, mask=None), x * 2)
    assert len(seen) == 1
    assert seen[0][0] is x


@upstream("T5's _shift_right or BART's shift_tokens_right no longer put the start token first and padding for -100")
@pytest.mark.parametrize("family", ["t5", "bart"])
def test_decoders_inputs_are_shifted_targets(family):
    targets = torch.tensor([[5, 6, 1], [7, 1, -100]])
    if family == "bart":
        found = shift_tokens_right(targets, 0, 2)
    else:
        sizes = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 9}
        found = transformers.T5ForConditionalGeneration(
            transformers.T5Config(**sizes, pad_token_id=0, decoder_start_token_id=2)
        )._shift_right(targets)
    assert found.tolist() == [[2, 5, 6], [2, 7, 1]]


@upstream("PreTrainedModel no longer ties what _tied_weights_keys names")
def test_bart_s_encoder_shares_its_embedding():
    sizes = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "vocab_size": 9}
    net = BartEncoderModel(transformers.BartConfig(**sizes, decoder_attention_heads=2))
    assert net.encoder.embed_tokens.weight is net.shared.weight


@upstream("GPT-2's linear layers are no longer called Conv1D, with a weight of (in, out) and `nf` outputs")
def test_gpt2_s_linear_layers():
    layer = Conv1D(5, 3)
    assert is_transposed(layer)
    assert (layer.weight.shape, layer.nf) == ((3, 5), 5)


@upstream("from_pretrained's loading info no longer has missing_keys, unexpected_keys and (name, shape, shape) tuples")
def test_what_transformers_says_of_loading(tmp_path):
    transformers.BertForSequenceClassification(tiny_config(num_labels=3)).save_pretrained(tmp_path)
    cls = transformers.BertForSequenceClassification
    options = {"ignore_mismatched_sizes": True, "output_loading_info": True}
    _, info = cls.from_pretrained(tmp_path, config=tiny_config(num_labels=2), **options)
    assert {(name, *map(tuple, shapes)) for name, *shapes in info["mismatched_keys"]} == {
        ("classifier.weight", (3, 8), (2, 8)),
        ("classifier.bias", (3,), (2,)),
    }
    _, info = transformers.BertForQuestionAnswering.from_pretrained(tmp_path, **options)
    assert set(info["missing_keys"]) == {"qa_outputs.weight", "qa_outputs.bias"}
    assert {"classifier.weight", "classifier.bias"} <= set(info["unexpected_keys"])


# PEFT.


@upstream("peft.utils.peft_types.PeftType is no longer a str Enum that can be extended")
def test_peft_s_methods_can_be_extended():
    assert issubclass(PeftType, str)
    assert issubclass(PeftType, enum.Enum)
    known = list(PeftType)
    found = _peft_type.extend_peft_type(_bottleneck.NAME.upper())
    assert list(PeftType) == known
    assert PeftType("BOTTLENECK") is PeftType["BOTTLENECK"] is PeftType.BOTTLENECK is found
    assert (found.value, found.name, found == "BOTTLENECK", found in known) == ("BOTTLENECK", "BOTTLENECK", True, True)


@upstream("peft.utils.register_peft_method no longer takes (name, config_cls, model_cls) into PEFT's mappings")
def test_peft_s_registration():
    assert {"name", "config_cls", "model_cls"} <= set(inspect.signature(register_peft_method).parameters)
    assert PEFT_TYPE_TO_CONFIG_MAPPING[PeftType.BOTTLENECK] is _bottleneck.BottleneckConfig
    assert PEFT_TYPE_TO_TUNER_MAPPING[PeftType.BOTTLENECK] is _bottleneck.BottleneckModel


@upstream("peft's BaseTuner no longer calls what BottleneckModel overrides")
def test_peft_s_tuners_are_made_of_what_ours_overrides():
    overridden = [name for name, value in vars(_bottleneck.BottleneckModel).items() if inspect.isroutine(value)]
    assert "_create_and_replace" in overridden
    base = inspect.getsource(sys.modules[BaseTuner.__module__]) + inspect.getsource(peft.peft_model)
    own = [name for name in overridden if name.startswith("_") and not name.startswith("_check_adapter_names")]
    assert [name for name in own if f".{name}(" not in base] == []
    given = list(inspect.signature(BaseTuner._create_and_replace).parameters)[:6]
    assert given == ["self", "peft_config", "adapter_name", "target", "target_name", "parent"]


@upstream("PEFT strips an adapter's name from a saved key elsewhere than directly above the parameter")
def test_peft_s_keys():
    model = peft.get_peft_model(transformers.BertModel(tiny_config()), _bottleneck.BottleneckConfig(bottleneck_dim=2))
    keys = peft.get_peft_model_state_dict(model)
    assert len(keys) == 4
    assert not [key for key in keys if "default" in key]
    assert all(re.search(r"bottleneck_(up|down)\.(weight|bias)$", key) for key in keys)


def names_the_versions(message: str) -> bool:
    return f"with peft {version('peft')} and transformers {version('transformers')}" in message


@pytest.mark.parametrize("error", [TypeError("unexpected keyword"), ValueError("closed"), AttributeError("gone")])
def test_a_peft_that_refuses_the_adapters_is_an_error_that_names_the_versions(monkeypatch, error):
    def refuse(**_):
        raise error

    monkeypatch.setattr(_peft_type, "PEFT_TYPE_TO_CONFIG_MAPPING", {})
    monkeypatch.setattr(_peft_type, "register_peft_method", refuse)
    with pytest.raises(InputError, match=r"pip install 'peft==0\.21\.\*', or choose another method") as found:
        _peft_type.register("bottleneck", None, None)
    assert names_the_versions(str(found.value))


def test_a_peft_without_the_parts_of_a_tuner_is_an_error_that_names_the_versions(monkeypatch):
    monkeypatch.delattr("peft.tuners.tuners_utils.check_target_module_exists")
    spec = importlib.util.spec_from_file_location("another_peft_type", _peft_type.__file__)
    with pytest.raises(InputError, match="check_target_module_exists") as found:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert names_the_versions(str(found.value))


def test_a_peft_that_refuses_the_adapters_is_imported_all_the_same_and_that_is_said(monkeypatch, caplog):
    def refuse(*_):
        raise InputError("not this peft")

    monkeypatch.delitem(sys.modules, "nlptl.methods._bottleneck")
    monkeypatch.setattr(_peft_type, "register", refuse)
    _peft_hook._register()
    assert caplog.messages == ["not this peft"]
