"""Lets PEFT load bottleneck adapters after `import nlptl`, without importing PEFT (and torch) before it is needed."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class _AfterPeft(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leaves the creation to PEFT's own loader."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Runs PEFT, then registers the adapters with it."""
        self.loader.exec_module(module)
        _register()


class _PeftFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Finds PEFT as usual and puts the registration behind its loader."""
        if fullname != "peft":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _AfterPeft(spec.loader)
        return spec


def install() -> None:
    """Registers the adapters now, if PEFT is loaded already, else as soon as it is."""
    if "peft" in sys.modules:
        _register()
    else:
        sys.meta_path.insert(0, _PeftFinder())


def _register() -> None:
    import nlptl.methods._bottleneck  # noqa: F401  registers on import
