"""Whether `rank` orders models as fine-tuning does: `-m evidence.ranking`."""

import shutil
from pathlib import Path

import torch
from scipy.stats import spearmanr
from transformers import AutoConfig, AutoModel

from evidence.common import Given, main, rows_of, trained, write
from nlptl import Classification, DataConfig, load, rank

N_LAYERS = 2
"""Last layers that are drawn anew."""
OTHER_EPOCHS = 3


def measure(given: Given) -> dict[str, float]:
    """Returns Spearman's correlation of the ranking's scores with those after fine-tuning, and who is last."""
    rows, test = rows_of(given.train), rows_of(given.test)
    base = Path(given.model)
    models = {
        "pretrained": base,
        "top_anew": changed(base, given.folder / "top_anew", N_LAYERS),
        "other_task": _other_task(given, rows),
        "random": changed(base, given.folder / "random", None),
    }
    data = DataConfig(train=str(write(rows, given.folder / "rank.csv")))
    names = {str(path): name for name, path in models.items()}
    ranked = rank(list(names), Classification(), data, seed=given.seed).record
    by_rank = {names[own.name]: own.score.value for own in ranked.models}
    tuned = {}
    for name, path in models.items():
        run = trained(given, f"tuned-{name}", rows, test, model=str(path), eval={"baselines": "none"})
        tuned[name] = run.metrics["test"]["accuracy"]["value"]
    order = list(models)
    correlation = spearmanr([by_rank[n] for n in order], [tuned[n] for n in order]).statistic
    ordered = sorted(order, key=lambda n: -by_rank[n])
    return {
        "rank_correlation": round(float(correlation), 6),  # 0.8 is computed as a little less
        "random_is_last": float(ordered[-1] == "random"),
        "pretrained_is_first": float(ordered[0] == "pretrained"),
        **{f"ranked_{name}": value for name, value in by_rank.items()},
        **{f"tuned_{name}": value for name, value in tuned.items()},
        "n_rows": len(rows),
    }


def changed(base: Path, folder: Path, n_layers: int | None) -> Path:
    """Writes a model with its last layers drawn anew; None: all of it."""
    shutil.copytree(base, folder)
    torch.manual_seed(0)
    fresh = AutoModel.from_config(AutoConfig.from_pretrained(base))
    model = fresh if n_layers is None else AutoModel.from_pretrained(base)
    if n_layers:
        for own, drawn in zip(model.encoder.layer[-n_layers:], fresh.encoder.layer[-n_layers:], strict=True):
            own.load_state_dict(drawn.state_dict())
    model.save_pretrained(folder)
    return folder


def _other_task(given: Given, rows: list[dict[str, str]]) -> Path:
    """Returns the model after training on whether a text is longer than most, which says little of its label."""
    middle = sorted(len(row["text"]) for row in rows)[len(rows) // 2]
    relabelled = [{**row, "label": "long" if len(row["text"]) > middle else "short"} for row in rows]
    run = trained(
        given,
        "other",
        relabelled,
        relabelled[:200],
        train={"epochs": OTHER_EPOCHS},
        eval={"baselines": "none"},
        model={"name": given.model, "pooling": "native"},
    )
    return load(run.folder).model_folder


if __name__ == "__main__":
    main(measure)
