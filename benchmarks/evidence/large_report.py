"""Size of a report of 100,000 predictions, and the time that writing it takes: `-m evidence.large_report`."""

import time

from evidence.common import Given, main, rows_of, trained

N = 100_000


def measure(given: Given) -> dict[str, float]:
    """Returns megabytes and seconds."""
    rows, test = rows_of(given.train), rows_of(given.test)
    many = [test[i % len(test)] for i in range(N)]
    run = trained(given, "run", rows, many, method="probe", eval={"baselines": "none"})
    from nlptl.runs.report.writing import write

    began = time.perf_counter()
    page = write(run.folder)
    return {"report_s": time.perf_counter() - began, "report_mb": page.stat().st_size / 1e6, "n_rows": N}


if __name__ == "__main__":
    main(measure)
