"""The result file: one record per case, system and seed, the newest."""

import json
from pathlib import Path
from typing import Any

import machine

KEY = ("case", "system", "seed")


class ScaleError(Exception):
    """The result file holds another suite, or numbers of another scale."""


def read(path: Path) -> dict[str, Any]:
    """Returns a result file's content."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def check(path: Path, suite: str, scale: str) -> None:
    """Makes sure that a result file can take records.

    Raises:
        ScaleError: it holds records of another suite or scale.
    """
    if path.exists():
        found = read(path)
        if (found["suite"], found["scale"]) != (suite, scale):
            raise ScaleError(
                f"{path} holds suite {found['suite']!r} at scale {found['scale']!r}, expected {suite!r} at {scale!r}; "
                "choose another --output"
            )


def put(path: Path, suite: str, scale: str, record: dict[str, Any]) -> None:
    """Adds a record to a result file, in place of an earlier one of the same case, system and seed.

    Args:
        path: of the file; made where there is none.
        suite: its name.
        scale: smoke or full.
        record: with the keys `KEY`.
    """
    found = read(path) if path.exists() else {"records": []}
    records = [r for r in found["records"] if any(r[k] != record[k] for k in KEY)]
    about = {"date": record["date"], **machine.code()}
    content = {
        "suite": suite,
        "scale": scale,
        **about,
        "hardware": machine.hardware(),
        "versions": machine.versions(),
        "records": [*records, record],
    }
    write(path, found | content)


def put_section(path: Path, suite: str, scale: str, name: str, value: Any) -> None:
    """Sets what a result file holds beside its records.

    Args:
        path: of the file; made if there is none.
        suite: its name.
        scale: smoke or full.
        name: of the section.
        value: its content.
    """
    found = read(path) if path.exists() else {"suite": suite, "scale": scale, "records": []}
    write(path, found | {name: value})


def write(path: Path, content: dict[str, Any]) -> None:
    """Writes a result file whole: whoever reads it meanwhile, or after a kill, finds the last one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".partial")
    aside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    aside.replace(path)
