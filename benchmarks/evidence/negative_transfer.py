"""How often negative transfer is flagged, planted and not: `-m evidence.negative_transfer`.

Planted: a probe on a model with random layers, so that TF-IDF is better. Null: a head that reads TF-IDF weights alone,
so that it is as good as TF-IDF with logistic regression.
"""

from pathlib import Path

from evidence.common import Given, main, rows_of, shuffled, trained
from evidence.ranking import changed

N_REPEATS, N_TRAIN, N_TEST = 20, 1_000, 1_000


def measure(given: Given) -> dict[str, float]:
    """Returns in how many repeats the model was said to be worse than a baseline."""
    rows, spoilt = rows_of(given.train), str(changed(Path(given.model), given.folder / "random", None))
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


if __name__ == "__main__":
    main(measure)
