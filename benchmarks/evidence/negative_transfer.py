"""How often negative transfer is flagged, planted and not: `-m evidence.negative_transfer`.

Planted: a probe on a model that was trained on shuffled labels of other rows before, so that TF-IDF is better. Null: a
head that reads TF-IDF weights alone, so that it is as good as TF-IDF with logistic regression.
"""

import random

from evidence.common import Given, Row, main, rows_of, shuffled, trained

N_REPEATS, N_TRAIN, N_TEST = 20, 1_000, 1_000
N_SPOILT = 2_000
SPOILING = {"epochs": 12, "lr": 5e-4, "keep": "last"}
"""Long and fast enough to learn labels that mean nothing by heart."""


def measure(given: Given) -> dict[str, float]:
    """Returns in how many repeats the model was said to be worse than a baseline."""
    rows = rows_of(given.train)
    spoilt, rows = _spoilt(given, rows[:N_SPOILT]), rows[N_SPOILT:]
    flagged = {"planted": 0, "null": 0}
    for repeat in range(N_REPEATS):
        chosen = shuffled(rows, given.seed * 1_000 + repeat)[: N_TRAIN + N_TEST]
        train, test = chosen[:N_TRAIN], chosen[N_TRAIN:]
        methods = {"planted": {"name": "probe"}, "null": {"name": "hybrid", "balances": [0.0]}}
        for name, method in methods.items():
            model = spoilt if name == "planted" else given.model
            run = trained(given, f"{name}-{repeat}", train, test, model=model, method=method)
            flagged[name] += run.result.verdict.better is not None
    return {"n_planted_flagged": flagged["planted"], "n_null_flagged": flagged["null"], "n_rows": N_REPEATS * N_TEST}


def _spoilt(given: Given, rows: list[Row]) -> str:
    """Returns the folder of a run on these rows with their labels shuffled."""
    labels = [row["label"] for row in rows]
    random.Random(given.seed).shuffle(labels)
    wrong = [{**row, "label": label} for row, label in zip(rows, labels, strict=True)]
    return str(trained(given, "spoilt", wrong, rows[:200], train=SPOILING, eval={"baselines": "none"}).folder)


if __name__ == "__main__":
    main(measure)
