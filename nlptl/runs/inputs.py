"""What a run began with: its recipe as it is stored, hashes of data and weights, and what has changed since."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nlptl.core.records import SPLITS, Corpus, Pretrained
from nlptl.data import fingerprint

IN_MEMORY = "in-memory:"
COMPARED_BY_CONTENT = {"data.train", "data.validation", "data.test", "model.name"}


Parts = dict[str, dict[str, object]]
"""A recipe's values by part and name."""


def storable(plain: Parts) -> Parts:
    """Returns a recipe's values as they are stored.

    Of data given as objects only the type's name is stored; a rerun asks for the data. Paths become absolute.
    """
    for split in SPLITS:
        source = plain["data"][split]
        if isinstance(source, str | Path):
            plain["data"][split] = str(Path(source).resolve()) if Path(source).exists() else str(source)
        elif source is not None:
            plain["data"][split] = f"{IN_MEMORY}{type(source).__name__}"
    name = str(plain["model"]["name"])
    plain["model"]["name"] = str(Path(name).resolve()) if Path(name).is_dir() else name
    return json.loads(json.dumps(plain))  # type: ignore[no-any-return]


def settings(plain: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Returns the values of a recipe by name, such as "train.epochs", without the places of data and model."""
    values = {f"{part}.{name}": value for part, fields in plain.items() for name, value in fields.items()}
    return {name: value for name, value in values.items() if name not in COMPARED_BY_CONTENT}


def hashes(corpus: Corpus, pretrained: Pretrained) -> dict[str, str]:
    """Returns the hashes of what the run computes with: "data.train", "data.validation", "data.test", "model"."""
    data = {f"data.{split}": fingerprint(rows) for split, rows in corpus.splits.items()}
    return data | {"model": pretrained.source.sha256}


def changes(
    before: Mapping[str, Any], now: Mapping[str, str], set_: Mapping[str, object], given: Mapping[str, object]
) -> list[str]:
    """Returns what has changed since a run began, in words; empty if the run can be resumed.

    A newer nlptl has settings that an older run did not know. Their defaults leave the run as it was, so they count
    only if somebody has since written them into the run's recipe. A setting that the run left open, such as the
    warm-up, is resolved today; it has not changed if the run's recipe leaves it open too.

    Args:
        before: the content of inputs.json.
        now: as `hashes`.
        set_: as `settings`, of today's recipe.
        given: as `settings`, of recipe.yaml.
    """
    old = before["recipe"]
    names = {name for name in before if name in now or name.startswith("data.")} | set(now)
    changed = sorted(name for name in names if before.get(name) != now.get(name))
    left_open = {name for name in old if old[name] is None and given.get(name) is None and name in set_}
    values = sorted(name for name in old.keys() - left_open if name not in set_ or old[name] != set_[name])
    changed += [f"{name} (was {old[name]}, is {set_.get(name)})" for name in values]
    added = sorted(given.keys() & set_.keys() - old.keys())
    return changed + [f"{name} (was not set, is {set_[name]})" for name in added]
