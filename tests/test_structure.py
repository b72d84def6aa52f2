"""The house rules of DESIGN.md, read from the source: who imports whom, how long files and functions are."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import nlptl
from nlptl.core import protocols, registry
from nlptl.models import family

ROOT = Path(nlptl.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ROOMS = ("data", "tasks", "models", "methods", "engine", "evaluation", "report")
FLOORS = {
    **dict.fromkeys(("__init__", "__main__"), 6),
    "cli": 5,
    **dict.fromkeys(("studies", "ship"), 4),
    "runs": 3,
    **dict.fromkeys(ROOMS, 2),
    "core": 0,
}
"""How high each part of the house lies; imports point down, within cli, studies, runs and core also sideways."""
ONLY_IMPORTERS = {
    "datasets": ("data/",),
    "transformers": ("models/",),
    "peft": ("methods/",),
    "accelerate": ("engine/",),
    "evaluate": ("evaluation/",),
    "rich": ("report/",),
    "huggingface_hub": ("models/", "report/card.py", "ship/hub.py", "ship/push.py"),
    "matplotlib": ("report/figures.py",),
    "jinja2": ("report/rendering.py",),
    "pandas": ("runs/rows.py",),
    "openpyxl": ("data/",),
    "sentence_transformers": ("models/",),
    "pyarrow": ("data/",),
}
DOOR = ("core/recipe.py", "nlptl.runs")
"""The one import that points up: a recipe runs itself, and goes on."""
MOST_FILE_LINES, MOST_FUNCTION_LINES = 300, 40
MOST_ANY = 153
"""How often `Any` stands in a type. It only goes down: whoever needs another takes one away."""
ABILITIES = [
    ability
    for module in (protocols, family)
    for ability in vars(module).values()
    if getattr(ability, "_is_runtime_protocol", False) and ability.__module__ == module.__name__
]
"""What only some methods and families can do."""


class Import(NamedTuple):
    """One import statement, wherever in a file it stands."""

    module: str
    line: int
    for_types_only: bool


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def each_file(**marks: pytest.MarkDecorator) -> pytest.MarkDecorator:
    """Runs a test on every file; some are marked."""
    files = [pytest.param(p, id=name_of(p), marks=marks.get(name_of(p), ())) for p in FILES]
    return pytest.mark.parametrize("path", files)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def type_blocks(module: ast.Module) -> set[int]:
    """Returns the lines below `if TYPE_CHECKING:`."""
    blocks = [n for n in ast.walk(module) if isinstance(n, ast.If) and ast.unparse(n.test).endswith("TYPE_CHECKING")]
    return {line for block in blocks for part in block.body for line in range(part.lineno, part.end_lineno + 1)}


def imports(path: Path) -> Iterator[Import]:
    """Yields the imports of a file; `from nlptl import data` is one of nlptl.data."""
    types = type_blocks(tree(path))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno} imports relatively"
            inside = node.module == "nlptl"
            names = [alias.name for alias in node.names if not (inside and alias.name == "__version__")]
            modules = [f"nlptl.{name}" if inside else str(node.module) for name in names]
        else:
            continue
        yield from (Import(module, node.lineno, node.lineno in types) for module in modules)


def part_of(module: str) -> str | None:
    """Returns the part of the house that a module belongs to: "data" for nlptl.data.audit."""
    words = module.split(".")
    if words[0] != "nlptl":
        return None
    return words[1] if len(words) > 1 and words[1] in FLOORS else "__init__"


def home(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_part_of_the_house_is_known():
    parts = {home(path) for path in FILES}
    assert parts == set(FLOORS)


@each_file()
def test_imports_point_down(path):
    own = home(path)
    wrong = []
    for found in imports(path):
        part = part_of(found.module)
        if part is None or own in (part, "__init__") or (name_of(path), found.module) == DOOR:
            continue
        if FLOORS[part] >= FLOORS[own] and not found.for_types_only:
            wrong.append(f"{name_of(path)}:{found.line} imports {found.module}")
    assert wrong == []


def imported_files(path: Path) -> set[str]:
    """Returns the files of nlptl that a file imports, inside functions too; not for types, not through the door."""
    known = {name_of(p) for p in FILES}
    found = set()
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Import | ast.ImportFrom) or node.lineno in type_blocks(tree(path)):
            continue
        module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        if module.split(".")[0] != "nlptl" or (name_of(path), module) == DOOR:
            continue
        stem = "/".join(module.split(".")[1:])
        inside = [f"{stem}/{alias.name}.py".lstrip("/") for alias in node.names]
        package = [] if known.issuperset(inside) else [f"{stem}/__init__.py"]
        found |= known.intersection((*inside, f"{stem}.py", *package))
    return found


def test_there_is_no_circle_of_imports():
    graph = {name_of(path): imported_files(path) - {"__init__.py"} for path in FILES}
    order = list(TopologicalSorter(graph).static_order())
    assert set(order) >= set(graph)


@pytest.mark.parametrize("path", [p for p in FILES if home(p) in ROOMS], ids=name_of)
def test_rooms_never_import_each_other(path):
    rooms = {part_of(found.module) for found in imports(path)} & set(ROOMS)
    assert rooms <= {home(path)}


@each_file()
def test_each_large_library_has_one_importer(path):
    wrong = []
    for found in imports(path):
        library = found.module.split(".")[0]
        if library in ONLY_IMPORTERS and not name_of(path).startswith(ONLY_IMPORTERS[library]):
            wrong.append(f"{name_of(path)}:{found.line} imports {found.module}")
    assert wrong == []


@each_file()
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_FILE_LINES


@each_file()
def test_functions_are_short(path):
    long = [f"{f.name}: {n} lines" for f in functions(path) if (n := f.end_lineno - f.lineno + 1) > MOST_FUNCTION_LINES]
    assert long == []


@pytest.mark.parametrize("path", [p for p in FILES if home(p) != "methods"], ids=name_of)
def test_no_method_is_asked_for_by_name_outside_its_room(path):
    methods = [registry.load("method", name) for name in registry.names("method") if name != "auto"]  # also a choice
    names = {registry.name_of("method", method) for method in methods} | {method.__name__ for method in methods}
    wrong = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Compare):
            words = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            words = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.MatchValue):
            words = {ast.unparse(node.value).strip("'\"")}
        else:
            continue
        if words & names:
            wrong.append(f"{name_of(path)}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


def test_any_stands_in_no_more_types_than_before():
    found = {name_of(p): sum(isinstance(n, ast.Name) and n.id == "Any" for n in ast.walk(tree(p))) for p in FILES}
    assert sum(found.values()) <= MOST_ANY, sorted(found.items(), key=lambda item: -item[1])[:10]


def members(protocol: type) -> set[str]:
    return {name for name in {*vars(protocol), *protocol.__annotations__} if not name.startswith("_")}


@each_file()
def test_abilities_are_asked_for_by_their_protocol(path):
    names, wrong = set().union(*map(members, ABILITIES)), []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr"):
            asked = node.args[1]
            if isinstance(asked, ast.Constant) and asked.value in names:
                wrong.append(f"{name_of(path)}:{node.lineno} {ast.unparse(node)}")
    assert wrong == []


@each_file()
def test_nothing_is_unpickled_and_no_code_of_others_is_run(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\bimport (pickle|joblib|dill)\b|torch\.(load|save)\(|trust_remote_code=True", text)
    assert not [
        n.lineno for n in ast.walk(tree(path)) if isinstance(n, ast.Call) and ast.unparse(n.func) in ("eval", "exec")
    ]


@each_file()
def test_nothing_is_left_unfinished(path):
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplemented\b|HACK)\b", path.read_text(encoding="utf-8"))


def test_tests_mirror_the_rooms():
    tests = Path(__file__).parent
    assert not [room for room in ROOMS if room != "report" and not list((tests / room).glob("test_*.py"))]


def test_recipes_are_imported_by_nobody():
    users = [name_of(path) for path in FILES if any(i.module.split(".")[0] == "recipes" for i in imports(path))]
    assert users == []
