"""Lets PEFT load bottleneck adapters after `import nlptl`, without importing PEFT (and torch) before it is needed."""

import logging
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

PEFT = "peft"
LOGGER = logging.getLogger("nlptl")


class _PeftFinder(MetaPathFinder):
    """Stays first among the finders, because who asks for PEFT does not always import it (transformers looks only)."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns PEFT's spec as the other finders give it, with the registration after its execution."""
        if fullname != PEFT:
            return None
        others = [finder for finder in sys.meta_path if not isinstance(finder, _PeftFinder)]
        specs = (finder.find_spec(fullname, path, target) for finder in others if hasattr(finder, "find_spec"))
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            _register_after(spec.loader)
        return spec


def install() -> None:
    """Registers the adapters now, if PEFT is loaded already, else as soon as it is."""
    if sys.modules.get(PEFT) is not None:
        _register()
    elif not any(isinstance(finder, _PeftFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _PeftFinder())


def _register_after(loader: object) -> None:
    # The loader stays PEFT's own, so that its source and its files are found through it as before.
    execute = loader.exec_module  # type: ignore[attr-defined]

    def exec_module(module: ModuleType) -> None:
        execute(module)
        if module.__name__ == PEFT:  # a loader of an archive may load other modules, too
            _register()

    loader.exec_module = exec_module  # type: ignore[attr-defined]


def _register() -> None:
    from nlptl.core.errors import InputError

    try:
        import nlptl.methods._bottleneck  # noqa: F401  registers on import
    except InputError as error:  # PEFT's own methods work all the same; who asks for adapters gets the error
        LOGGER.warning("%s", error)
