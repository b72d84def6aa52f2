"""Reads SQuAD's json files, one row per question (Rajpurkar et al. 2016, 2018)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from nlptl.core.errors import InputError


def is_squad(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Returns whether a file holds articles with paragraphs, as SQuAD's files do."""
    articles = value.get("data") if isinstance(value, dict) else None
    return (
        isinstance(articles, list)
        and bool(articles)
        and all(isinstance(article, dict) and "paragraphs" in article for article in articles)
    )


def squad_rows(path: Path, value: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Yields id, title, context, question, and, if given, answers and is_impossible, in the file's order.

    Raises:
        InputError: a required key is missing, or there is no question.
    """
    empty = True
    for number, article in enumerate(value["data"]):
        title = article.get("title")
        here = f"{path}, article {number} ({title!r})"
        for paragraph in _list(article, "paragraphs", here):
            for question in _list(paragraph, "qas", f"{here}, a paragraph"):
                empty = False
                yield _row(title, paragraph, question, here)
    if empty:
        raise InputError(f"{path} has no questions")


def _row(title: object, paragraph: Mapping[str, Any], question: Any, here: str) -> dict[str, object]:
    known = question if isinstance(question, dict) else {}
    there = f"{here}, question {known.get('id')!r}"
    row = {
        "id": known.get("id"),
        "title": title,
        "context": _part(paragraph, "context", f"{here}, a paragraph"),
        "question": _part(known, "question", there),
    }
    given = {key: known[key] for key in ("answers", "is_impossible") if key in known}
    return {**row, **given}


def _list(part: Any, key: str, here: str) -> list[Any]:
    value = _part(part, key, here)
    if not isinstance(value, list):
        raise InputError(f"{here}: {key!r} is a {type(value).__name__}, expected a list")
    return value


def _part(part: Any, key: str, here: str) -> Any:
    if not isinstance(part, dict) or key not in part:
        found = ", ".join(part) if isinstance(part, dict) else type(part).__name__
        raise InputError(f"{here} has no {key!r}, found {found or 'nothing'}; expected SQuAD's layout")
    return part[key]
