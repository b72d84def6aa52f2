"""Precision of the first 100 likely label errors if 5 % of all labels were replaced: `-m evidence.label_errors`."""

import random

import numpy as np

from evidence.common import Given, main, rows_of, shuffled, trained
from nlptl.evaluation.label_errors import likely_errors

SHARE, N_TRAIN, N_NAMED = 0.05, 1_000, 100


def measure(given: Given) -> dict[str, float]:
    """Returns the precision, and the share of replaced labels among the rows."""
    draw, rows = random.Random(given.seed), shuffled(rows_of(given.train), given.seed)
    labels = sorted({row["label"] for row in rows})
    wrong = set(draw.sample(range(len(rows)), round(SHARE * len(rows))))
    planted = [
        {**row, "label": draw.choice([x for x in labels if x != row["label"]])} if i in wrong else row
        for i, row in enumerate(rows)
    ]
    run = trained(given, "run", planted[:N_TRAIN], planted[N_TRAIN:], method="probe", eval={"baselines": "none"})
    names = run.result.labels
    predictions = run.test_predictions
    scores = np.array([[p["scores"][name] for name in names] for p in predictions])
    given_ids = np.array([names.index(p["label"]) for p in predictions])
    named = [issue.row for issue in likely_errors(scores, given_ids, names)[:N_NAMED]]
    found = sum(i + N_TRAIN in wrong for i in named)
    n_planted = sum(i >= N_TRAIN for i in wrong)
    return {
        "precision": found / max(len(named), 1),
        "n_named": len(named),
        "n_planted": n_planted,
        "n_rows": len(predictions),
    }


if __name__ == "__main__":
    main(measure)
