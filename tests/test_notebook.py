"""A run in a real Jupyter kernel: tables, frames and a progress bar that moves in place."""

import json

import pytest

nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")

VALUE = {"value": 0.5, "low": 0.4, "high": 0.6}
RESULT = {
    "status": "succeeded",
    "task": "sentiment",
    "method": "lora",
    "primary": {"split": "test", "name": "accuracy", "value": 0.75},
    "metrics": {"test": {"accuracy": {"value": 0.75, "low": 0.7, "high": 0.8}}},
    "baselines": {"test": {"majority": {"accuracy": VALUE, "gain": VALUE}}},
}
BAR = """
from nlptl.core.callbacks import Facts
from nlptl.report.progress import Plan, progress
at = lambda update, **more: Facts(update, 3, update / 3, 8 * update, 0, 1, **more)
with progress(Plan(3, 1, "accuracy"), shown=True) as (bar,):
    bar.on_begin(at(0))
    bar.on_update(at(1, loss=0.9))
    bar.on_evaluate(at(1, metrics={"accuracy": 0.5}))
    bar.on_update(at(3, loss=0.25))
"""


@pytest.fixture(scope="module")
def run_cells(tmp_path_factory):
    """Runs cells in a kernel beside a finished run in run/; returns what each shows, by type."""
    pytest.importorskip("ipykernel")
    folder = tmp_path_factory.mktemp("place")
    (folder / "run" / "predictions").mkdir(parents=True)
    (folder / "run" / "result.json").write_text(json.dumps(RESULT))
    (folder / "run" / "metrics.jsonl").write_text('{"update": 1, "loss": 0.5}\n')
    (folder / "run" / "predictions" / "test.jsonl").write_text(
        '{"row_id": 0, "prediction": "<i>good", "scores": {"<i>good": 0.9}}\n'
    )

    def call(*cells):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
        return [[dict(output.get("data", {})) for output in cell.outputs] for cell in book.cells]

    return call


def test_a_run_its_rows_and_its_bar_show_themselves_in_a_kernel(run_cells):
    opened = "from pathlib import Path; from nlptl import Run; run = Run(Path('run'))"
    _, (run,), (history,), (predictions,), bar, (heavy,) = run_cells(
        opened, "run", "run.history", "run.test_predictions", BAR, "import sys; 'torch' in sys.modules"
    )
    assert "test accuracy 0.7500 [0.7000, 0.8000]" in run["text/plain"]
    assert "majority" in run["text/html"]
    assert "<table" in history["text/html"]
    assert "loss" in history["text/html"]
    assert "<i>good" not in predictions["text/html"]
    assert "&lt;i&gt;good" in predictions["text/html"]
    assert len(bar) == 1
    assert 'value="3" max="3"' in bar[0]["text/html"]
    assert "loss 0.2500, validation accuracy 0.5000" in bar[0]["text/html"]
    assert heavy["text/plain"] == "False"
