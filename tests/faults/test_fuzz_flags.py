"""Whatever words a command line has, it does what they say or refuses them in words."""

import dataclasses
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st

from nlptl.core import registry
from nlptl.core.recipe import PLAIN
from tests.faults.fuzz import cases, check, run
from tests.faults.small import reviews, write_csv

CHOSEN = {kind: registry.names(kind) for kind in ("task", "method")}
FIELDS = {part: [field.name for field in dataclasses.fields(cls)] for part, cls in PLAIN.items()}
FIELDS |= {
    kind: sorted({f.name for name in names for f in dataclasses.fields(registry.load(kind, name))} | {"name"})
    for kind, names in CHOSEN.items()
}
FLAGS = [f"--{part}.{field}" for part, fields in FIELDS.items() for field in fields]
FLAGS += ["--method", "--output", "--resume", "--config", "--print_config", "--input", "--text", "--text-pair"]
FLAGS += ["--question", "--context", "--help", "--version", "-h", "--", "-", "--no", "--train", "--lr", "-m"]
VALUES = [
    *CHOSEN["task"],
    *CHOSEN["method"],
    "rows.csv",
    "missing.csv",
    "folder",
    "run",
    "recipe.yaml",
    "native",
    "auto",
]
VALUES += ["0", "1", "-1", "1e9", "1e400", "nan", "inf", "0x10", "null", "true", "[1, 2]", "{a: b}", '{"a": "b"}', "{"]
VALUES += ["*a", "&a [*a]", "!!python/object:os.system ls", "2001-01-01", "all-linear", "last:1", "a.b", ".", "", " "]
VALUES += ["\x00", "\ud83d", "\u202e", "é" * 300, "9" * 5000, "[" * 2000, "sample:reviews", "os.path", "%s", "{0}"]
WORDS = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from(VALUES),
    st.builds("{}={}".format, st.sampled_from(FLAGS), st.sampled_from(VALUES)),
    st.text(max_size=6),
)
PAIRS = st.lists(st.tuples(st.sampled_from(FLAGS), st.sampled_from(VALUES)).map(list), max_size=3).map(
    lambda pairs: [word for pair in pairs for word in pair]
)
LINES = st.tuples(
    st.sampled_from(["train", "evaluate", "predict", "train", "train", "trian"]),
    st.sampled_from([[], ["sentiment"], ["run"], ["extractive_qa"]]),
    st.one_of(PAIRS, st.lists(WORDS, max_size=5)),
)


@pytest.fixture
def untrained(tmp_path, monkeypatch):
    """A folder with files that words may name; nothing is trained, and no model is loaded."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "rows.csv", reviews(8))
    (tmp_path / "recipe.yaml").write_text("task: {name: sentiment}\nmethod: {name: lora, rank: 4}\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "run").mkdir()
    done = SimpleNamespace(result=SimpleNamespace(status="succeeded"))
    monkeypatch.setattr("nlptl.runs.training.train", lambda *_, **__: done)
    monkeypatch.setattr("nlptl.runs.training.prepare", lambda *_: pytest.fail("training began"))


@cases(60)
def test_any_words_are_taken_or_refused(n_cases, untrained):
    def hold(line):
        name, first, words = line
        status, said = run([name, *first, *words], typed="a film\n")
        assert status in (0, 2), said
        assert "Traceback" not in said
        assert status == 0 or said.startswith("error: "), said

    check(n_cases, hold, LINES)
