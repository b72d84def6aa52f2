"""Lets PEFT load bottleneck adapters after `import nlptl`, without importing PEFT and torch before they are needed."""

import logging
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

PEFT = "peft"
LOGGER = logging.getLogger("nlptl")


class _PeftFinder(MetaPathFinder):
    """Stays first in `sys.meta_path`, because a request for PEFT is not always an import (transformers only looks)."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns PEFT's spec from the other finders; executing it also registers the adapters."""
        if fullname != PEFT:
            return None
        others = [finder for finder in sys.meta_path if not isinstance(finder, _PeftFinder)]
        specs = (finder.find_spec(fullname, path, target) for finder in others if hasattr(finder, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            _register_after(spec.loader)
        return spec


def install() -> None:
    """Registers the adapters now if PEFT is already imported, else right after its import."""
    if sys.modules.get(PEFT) is not None:
        _register()
    elif not any(isinstance(finder, _PeftFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _PeftFinder())


def _register_after(loader: object) -> None:
    # PEFT keeps its own loader, so that its source and its files are still found through it.
    execute = loader.exec_module  # type: ignore[attr-defined]

    def exec_module(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == PEFT:  # an archive's loader may load other modules too
            _register()

    loader.exec_module = exec_module  # type: ignore[attr-defined]


def _register() -> None:
    from nlptl.core.errors import InputError

    try:
        import nlptl.methods._bottleneck  # noqa: F401  registers on import
    except InputError as error:  # PEFT's own methods still work; asking for adapters raises the error
        LOGGER.warning("%s", error)
