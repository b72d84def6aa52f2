"""What a study costs beside the same runs one by one, each in a process of its own: `-m evidence.study`.

Processor time is compared beside the time of the clock: other programs on the machine do not change it.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

from evidence.common import Given, main, rows_of, write

METHODS = ("tfidf", "probe", "full", "lora", "adapter")
COUNTS = (8, 64)
NLPTL = (sys.executable, "-m", "nlptl")


def measure(given: Given) -> dict[str, float]:
    """Returns the seconds of both, and how many times a study is faster."""
    rows, test = rows_of(given.train), rows_of(given.test)
    middle = len(test) // 2
    files = {"train": rows, "validation": test[:middle], "test": test[middle:]}
    paths = {split: write(own, given.folder / f"study-{split}.csv") for split, own in files.items()}
    flags = [f"--data.{split}={path}" for split, path in paths.items() if split != "train"]
    flags += ["--model.name", given.model]
    data = str(paths["train"])
    names, counts = ",".join(METHODS), ",".join(map(str, COUNTS))
    grid = ["--methods", names, "--label_counts", counts, "--seeds", str(given.seed)]
    together = _took("compare", "classification", data, *flags, *grid, "-o", str(given.folder / "study"))
    alone = [0.0, 0.0]
    for count in COUNTS:
        for method in METHODS:
            place = given.folder / f"alone-{method}-{count}"
            seconds = _took("train", "classification", *_alone(given, data, method, count, place), *flags)
            alone = [a + b for a, b in zip(alone, seconds, strict=True)]
    return {
        "n_runs": len(METHODS) * len(COUNTS),
        "study_s": together[0],
        "alone_s": alone[0],
        "speedup": alone[0] / together[0],
        "study_cpu_s": together[1],
        "alone_cpu_s": alone[1],
        "cpu_speedup": alone[1] / together[1],
        "n_rows": len(rows),
    }


def _alone(given: Given, data: str, method: str, count: int, place: Path) -> list[str]:
    chosen = ["--method", "hybrid", "--method.balances", "0"] if method == "tfidf" else ["--method", method]
    drawn = ["--data.per_class", str(count), "--train.seed", str(given.seed)]
    return [data, *chosen, *drawn, "-o", str(place)]


def _took(*words: str) -> tuple[float, float]:
    """Returns the seconds, by the clock and of the processor, that a command takes."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*NLPTL, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(measure)
