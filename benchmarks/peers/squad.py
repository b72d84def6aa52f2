"""SQuAD's files, and its scores as the official scripts compute them (Rajpurkar et al. 2016, 2018)."""

import json
import re
import string
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

A_AN_THE = re.compile(r"\b(a|an|the)\b")


@dataclass(frozen=True)
class Question:
    """A question with its context and what answers it."""

    question: str
    context: str
    answers: list[str]
    """None where the context has no answer."""
    starts: list[int]
    """First character of each answer in the context."""


def read(path: Path) -> list[Question]:
    """Returns the questions of a file in SQuAD's layout, in its order."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        Question(
            asked["question"],
            paragraph["context"],
            [answer["text"] for answer in asked["answers"]],
            [answer["answer_start"] for answer in asked["answers"]],
        )
        for article in articles
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    ]


def articles(path: Path) -> tuple[list[Any], list[Any]]:
    """Returns a file's articles: those to learn from, and those that eval_titles.json beside it names."""
    every = json.loads(path.read_text(encoding="utf-8"))["data"]
    titles = json.loads((path.parent / "eval_titles.json").read_text(encoding="utf-8"))
    return [a for a in every if a["title"] not in titles], [a for a in every if a["title"] in titles]


def halves(given: list[Any]) -> tuple[list[Any], list[Any]]:
    """Returns articles in two parts with about as many questions."""
    parts: tuple[list[Any], list[Any]] = ([], [])
    for article in sorted(given, key=_n_questions, reverse=True):
        min(parts, key=lambda part: sum(map(_n_questions, part))).append(article)
    return parts


def head(given: list[Any], n: int) -> list[Any]:
    """Returns the first paragraphs, each as an article, until these have n questions."""
    found: list[Any] = []
    for paragraph in (paragraph for article in given for paragraph in article["paragraphs"]):
        if sum(map(_n_questions, found)) < n:
            found.append({"title": "", "paragraphs": [paragraph]})
    return found


def exact_match(answer: str, question: Question) -> float:
    """Returns 1 where an answer equals an accepted one, case, articles, punctuation and blanks aside, else 0."""
    return float(any(_plain(answer) == _plain(accepted) for accepted in _accepted(question)))


def f1(answer: str, question: Question) -> float:
    """Returns the highest F1 of an answer's words with those of an accepted one; "" accepts nothing but ""."""
    return max(_overlap(_plain(answer).split(), _plain(accepted).split()) for accepted in _accepted(question))


def _n_questions(article: dict[str, Any]) -> int:
    return sum(len(paragraph["qas"]) for paragraph in article["paragraphs"])


def _accepted(question: Question) -> list[str]:
    return [text for text in question.answers if _plain(text)] or [""]


def _plain(text: str) -> str:
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(A_AN_THE.sub(" ", kept).split())


def _overlap(found: list[str], wanted: list[str]) -> float:
    if not found or not wanted:
        return float(found == wanted)
    n_same = (Counter(found) & Counter(wanted)).total()
    return 2 * n_same / (len(found) + len(wanted))
