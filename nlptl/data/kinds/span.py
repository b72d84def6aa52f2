"""Answers that are spans of the context."""

from collections.abc import Mapping, Sequence

from nlptl.core import kinds
from nlptl.core.records import Answer, Column, Example, Finding
from nlptl.data.answers import read_answers
from nlptl.data.division import Division
from nlptl.data.fields import Fields, needed
from nlptl.data.findings import by_split
from nlptl.data.kinds.base import KindOf, Labels, Splits
from nlptl.data.splits import divide_groups


class Span(KindOf[tuple[Answer, ...]]):
    """Answers to a question, as spans of its context."""

    facts = kinds.of("span")

    def read(self, fields: Fields, column: Column, name: str) -> Labels:
        """Returns the answers of each row with their offsets in the context."""
        contexts = needed(fields.values.get("text_pair"), "a context", fields.table.cells(name).where)
        return read_answers(fields.table, name, contexts)

    def nothing_to_learn(self, train: Sequence[Example]) -> str | None:
        """Returns a message if no context contains an answer."""
        if any(answer.start >= 0 for e in train for answer in e.label):
            return None
        return (
            f"all {len(train)} rows have no answer in their context; check --data.context, --data.answers and "
            "--data.n_train"
        )

    def divide(self, examples: Sequence[Example], shares: Mapping[str, float], seed: int) -> Division:
        """Divides the rows; all questions about one context stay together."""
        parts = divide_groups([(e.text_pair or "").strip() for e in examples], shares, seed)
        return Division(parts, "by context, none is in two splits", "a context of its own")

    def lost(self, splits: Splits) -> list[Finding]:
        """Returns a finding on rows whose context does not contain an answer."""
        rows = {
            name: [e.row_id for e in examples if any(answer.start < 0 for answer in e.label or ())]
            for name, examples in splits.items()
        }
        return by_split("repair", "an answer that is not in the context", rows, "info")

    def unanswered(self, splits: Splits) -> list[Finding]:
        """Returns a finding on rows without an answer, with their share in each split."""
        rows = {name: [e.row_id for e in examples if e.label == ()] for name, examples in splits.items()}
        n = sum(map(len, rows.values()))
        if not n:
            return []
        shares = {name: len(ids) / len(splits[name]) for name, ids in rows.items() if splits[name]}
        parts = [f"{len(rows[name])} in {name} ({share:.1%})" for name, share in shares.items()]
        message = f"{n} row{'s have' if n > 1 else ' has'} no answer: {', '.join(parts)}"
        return [Finding("class_balance", message, n, "info", {"row_ids": rows, "shares": shares})]


KIND = Span()
