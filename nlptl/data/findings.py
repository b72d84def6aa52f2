"""Audit findings that list rows."""

from collections.abc import Mapping

from nlptl.core.records import Finding
from nlptl.data.examples import rows_shown


def by_split(kind: str, what: str, rows: Mapping[str, list[int]], severity: str = "warning") -> list[Finding]:
    """Returns one finding that lists rows by split; an empty list if there are no rows.

    Args:
        kind: the kind of finding.
        what: what the rows have, for the message.
        rows: row ids by split.
        severity: "info" or "warning".
    """
    rows = {name: ids for name, ids in rows.items() if ids}
    if not rows:
        return []
    parts = [f"{len(ids)} in {name} ({rows_shown(ids)})" for name, ids in rows.items()]
    n = sum(map(len, rows.values()))
    message = f"{n} row{'s have' if n > 1 else ' has'} {what}: {', '.join(parts)}"
    return [Finding(kind, message, n, severity, {"row_ids": rows})]
