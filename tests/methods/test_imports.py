"""PEFT knows bottleneck adapters after `import nlptl`, whatever else was imported before, between or after."""

import json
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from nlptl.methods import _peft_hook

ORDERS = {  # torch is there already, nothing else is
    "peft first, by a part": "from peft.tuners import LoraConfig; import nlptl",
    "nlptl first, then a part of peft": "import nlptl; from peft.tuners.lora import LoraConfig",
    "nlptl between": "import transformers; import nlptl; import peft",
    "transformers imports peft": (
        "import nlptl; from transformers import BertConfig, BertModel; import sys; assert 'peft' not in sys.modules;"
        "m = BertModel(BertConfig(num_hidden_layers=1, hidden_size=8, num_attention_heads=1, vocab_size=9));"
        "m.save_pretrained('bert'); BertModel.from_pretrained('bert')"
    ),
}
THEN = (
    "; from peft import PeftConfig; print(PeftConfig.from_pretrained('adapter').bottleneck_dim)"
    "; from importlib.machinery import SourceFileLoader as S; import peft; assert type(peft.__spec__.loader) is S"
)


FORKED = """
import json, os, sys
import torch

for name, code in json.loads(sys.argv[1]).items():
    assert not {"peft", "nlptl", "transformers"} & set(sys.modules)
    child = os.fork()
    if not child:
        exec(code)
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> list[str]:
    """What forks of one process print, an order each: a large part of a process is importing torch."""
    folder = tmp_path_factory.mktemp("orders")
    (folder / "adapter").mkdir()
    config = {"peft_type": "BOTTLENECK", "bottleneck_dim": 7}
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    return fresh(FORKED, folder, json.dumps({name: order + THEN for name, order in ORDERS.items()}))


@pytest.mark.parametrize("number", range(len(ORDERS)), ids=ORDERS)
def test_peft_finds_adapters_in_any_order_of_imports(said, number):
    assert said[-len(ORDERS) :][number] == "7"


def test_importing_nlptl_imports_neither_torch_nor_peft(tmp_path):
    code = "import nlptl, sys; print([m for m in ('torch', 'peft', 'transformers', 'numpy') if m in sys.modules])"
    assert fresh(code, tmp_path) == ["[]"]


def test_nlptl_can_be_imported_where_peft_is_blocked(tmp_path):
    assert fresh("import sys; sys.modules['peft'] = None; import nlptl; print(nlptl.__version__)", tmp_path)


def test_whoever_finds_peft_the_adapters_are_registered_once_it_has_run(monkeypatch):
    class Elsewhere:
        """Knows where peft is, as the finder of an editable installation does."""

        create_module = exec_module = staticmethod(lambda module: None)

        def find_spec(self, fullname, path, target=None):
            return ModuleSpec(fullname, self)

    registered = []
    monkeypatch.setattr(_peft_hook, "_register", lambda: registered.append(True))
    monkeypatch.setattr(sys, "meta_path", [_peft_hook._PeftFinder(), Elsewhere()])
    spec = sys.meta_path[0].find_spec("peft", None)
    spec.loader.exec_module(ModuleType("another"))
    assert registered == []
    spec.loader.exec_module(ModuleType("peft"))
    assert registered == [True]


def fresh(code, folder, *words) -> list[str]:
    """Returns the lines that a fresh process prints."""
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()
