"""Kinds of answers: what follows from each stands in one record, and no other code asks which kind it has."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import transformers
from peft import TaskType

import nlptl
from nlptl.core import kinds, registry
from nlptl.core.errors import InputError

ROOT = Path(nlptl.__file__).parent
ROOMS = [folder for folder in sorted(ROOT.glob("*/kinds")) if folder.is_dir()]
EVERYDAY = {"text"}
"""Names that are words of other things as well, such as the role of a column: counted only beside a word for kinds."""
WORDS = ("output", "kind", "native", "refused", "solves")


def is_of_kinds(node: ast.AST) -> bool:
    """Returns whether an expression names a kind of answers: `output`, `task.output`, `column.kind`, ..."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    return not names.isdisjoint(WORDS)


def words_in(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def questions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields what asks for a kind by its name: comparisons, cases, and tables with such keys."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            asked = words_in(node)
        elif isinstance(node, ast.Match):
            asked = {word for case in node.cases for word in words_in(case.pattern)}
        elif isinstance(node, ast.Dict):
            asked = {word for key in node.keys if key is not None for word in words_in(key)}
            asked = asked if asked <= set(kinds.KINDS) and len(asked) > 1 else set()
        else:
            continue
        asked &= set(kinds.KINDS)
        if asked - EVERYDAY or (asked and is_of_kinds(node)):
            yield node


OWN = {ROOT / "core/kinds.py", *(path for room in ROOMS for path in room.glob("*.py"))}
FILES = sorted(set(ROOT.rglob("*.py")) - OWN)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_code_but_its_own_asks_for_a_kind_by_name(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [f"{node.lineno}: {ast.unparse(node)}" for node in questions(tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        'if task.output == "tags": pass',
        'if "span" in (a, output): pass',
        'if column.kind in ("class", "text"): pass',
        'match kind:\n    case "number": pass',
        'TABLE = {"class": 1, "text": 2}',
        'if output == "text": pass',
    ],
)
def test_each_way_to_ask_is_seen(source):
    assert len(list(questions(ast.parse(source)))) == 1


@pytest.mark.parametrize(
    "source", ['if role == "text": pass', 'row = {"text": 1, "label": 2}', "kinds.of(output).by_row"]
)
def test_a_text_and_a_fact_of_a_kind_are_no_question(source):
    assert list(questions(ast.parse(source))) == []


@pytest.mark.parametrize("name", kinds.KINDS)
def test_the_names_of_other_libraries_are_theirs(name):
    kind = kinds.of(name)
    assert hasattr(transformers, kind.auto_class)
    assert kind.peft_type in set(TaskType)
    if kind.problem_type is not None:
        assert transformers.PretrainedConfig(problem_type=kind.problem_type).problem_type == kind.problem_type


@pytest.mark.parametrize("name", kinds.KINDS)
@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.parent.name)
def test_a_room_with_kinds_has_a_file_for_each(room, name):
    part = kinds.part(f"nlptl.{room.parent.name}.kinds", name)
    assert Path(part.__file__) == room / f"{kinds.of(name).file}.py"


def test_each_task_has_a_known_kind():
    outputs = {registry.load("task", name)().output for name in registry.names("task")}
    assert outputs <= set(kinds.KINDS)


def test_an_answer_belongs_to_a_row_a_token_or_a_written_text():
    for kind in kinds.KINDS.values():
        assert [kind.by_row, kind.by_token, kind.is_written].count(True) == 1


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(InputError, match=r"'tag'.*did you mean 'tags'.*class, classes, number, tags, span, text"):
        kinds.of("tag")
