"""What a run costs and survives: kills at random moments, checkpoints, two processes; sentiment with MiniLM.

python benchmarks/run.py --suite reliability --data ../shared/data
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cases import NLPTL, Case, Scale, Target

from suites import sentiment, speed

KILLS = {"full": 30, "lora": 30, "adapter": 30, "partial": 30, "probe": 10}
PINNED = ("-m", "reliability.pinned")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *PINNED)

TARGETS = (
    *(Target(f"kills_{method}", "n_exact", ">=", n) for method, n in KILLS.items()),
    Target("checkpoints", "checkpoint_share", "<=", 0.03),
    Target("two_processes", "examples_per_s", ">=", 1.5, "ratio", ("one_process", NLPTL)),
    Target("two_processes_ag_news", "examples_per_s", ">=", 1.5, "ratio", ("one_process_ag_news", NLPTL)),
)


def share(folder: Path) -> dict[str, float]:
    """Returns the time that checkpoints took, as a share of the training time."""
    timing: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8"))["timing"]
    return {"checkpoint_share": timing["checkpoint_s"] / timing["train_s"]}


def cases(scale: Scale) -> list[Case]:
    """Returns the cases in the order in which they run."""
    killed: dict[str, Any] = {
        "train.epochs": 4,
        "train.batch_size": 8,
        "train.checkpoint_every": 2,
        "train.early_stopping": 3,
        "train.micro_batch_tokens": 128,
        "train.log_every": 1,
        "eval.baselines": "none",
    }
    kills = [
        Case(
            f"kills_{method}",
            NLPTL,
            ("-m", "reliability.kills"),
            "small",
            "minilm",
            {"kills": n if scale == "full" else 2, "method": method, **killed},
            scored={"validation": "t5"},
            measures=("n_kills", "n_exact", "lost_s"),
        )
        for method, n in KILLS.items()
    ]
    epochs = 5 if scale == "full" else 1
    alone = {"method": "full", "train.epochs": 1, "train.keep": "last", "eval.baselines": "none"}
    alone |= sentiment.alike("full")
    news = {"validation": speed.AG_NEWS}
    return [
        *kills,
        Case(
            "checkpoints",
            NLPTL,
            sentiment.RECIPE,
            "some",
            "minilm",
            {"method": "full", "train.epochs": epochs, **sentiment.alike("full")},
            measures=("accuracy", "checkpoint_share"),
            also=share,
        ),
        Case("one_process", NLPTL, PINNED, "half", "minilm", alone),
        Case("two_processes", NLPTL, TORCHRUN, "half", "minilm", alone),
        Case("one_process_ag_news", NLPTL, PINNED, speed.AG_NEWS, "minilm", alone, news),
        Case("two_processes_ag_news", NLPTL, TORCHRUN, speed.AG_NEWS, "minilm", alone, news),
    ]


def inputs(data: Path, folder: Path, scale: Scale) -> speed.SpeedInputs:
    """Returns the inputs, which read from `data` and write to `folder`."""
    return speed.inputs(data, folder, scale)
