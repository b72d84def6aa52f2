"""What a checkpoint says of its own use: the pooling that sentence-transformers keeps beside the weights."""

from pathlib import Path

from nlptl.core.errors import InputError
from nlptl.models.sources import read_json

MODULES = "modules.json"
POOLINGS = ("mean", "cls", "max")
OLDER_KEYS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_max_tokens": "max"}
"""Names of the flags that versions of sentence-transformers before 6 write, one for each pooling."""


def pooling(folder: Path) -> str | None:
    """Returns the pooling that a checkpoint was trained with: mean, cls or max; None if it declares none of them.

    Args:
        folder: of the checkpoint; its modules.json names the folder of the pooling's configuration (1_Pooling).
    """
    modules = _read(folder / MODULES)
    modules = modules if isinstance(modules, list) else []
    places = [m.get("path") for m in modules if isinstance(m, dict) and str(m.get("type")).endswith(".Pooling")]
    if len(places) != 1 or not isinstance(places[0], str) or Path(places[0]).name != places[0]:
        return None
    config = _read(folder / places[0] / "config.json")
    return _of(config) if isinstance(config, dict) else None


def _of(config: dict[str, object]) -> str | None:
    mode = config.get("pooling_mode")
    if isinstance(mode, str):
        return mode if mode in POOLINGS else None
    chosen = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    return OLDER_KEYS.get(chosen[0]) if len(chosen) == 1 else None


def _read(path: Path) -> object:
    """Returns a JSON file's value; None if it cannot be read, because the weights do not depend on it."""
    try:
        return read_json(path)
    except (InputError, OSError):
        return None
