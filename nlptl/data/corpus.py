"""Reads and checks the splits that the data settings name."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from nlptl.core import sharing
from nlptl.core.config import DataConfig
from nlptl.core.errors import InputError, nearest
from nlptl.core.records import SPLITS, Column, Corpus, Example
from nlptl.data.checks import check_labelled, check_labels, undivided, without_blank
from nlptl.data.columns import Choice, Wish, choose_columns
from nlptl.data.division import rarest
from nlptl.data.examples import label_roles, output_of, renamed, to_examples
from nlptl.data.kinds.base import AnyKind, kind_of
from nlptl.data.labels import check_renaming, label_names, renaming
from nlptl.data.memory import texts_in
from nlptl.data.sources import find_source
from nlptl.data.splits import HELD_OUT, draw, draw_by_class
from nlptl.data.table import Table

LOGGER = logging.getLogger("nlptl")


@dataclass(frozen=True)
class _Split:
    """One split while it is being prepared."""

    examples: list[Example]
    where: str
    """Name of the split in messages."""
    choice: Choice
    notes: tuple[str, ...]
    declared: tuple[str, ...] | None
    """The labels that the source declares."""
    kept: Mapping[str, Sequence[object]] = field(default_factory=dict)
    """Further columns by name: the value of each row id."""


def load(config: DataConfig, columns: Sequence[Column], *, sample: str, seed: int, keep: Sequence[str] = ()) -> Corpus:
    """Returns the splits of a data set, read and checked; `notes` reports the decisions made.

    Args:
        config: the data settings.
        columns: the columns that the task reads.
        sample: name of the sample data, used if `config.train` is None.
        seed: seed of the split, unless `config` has one, and of the drawn training rows.
        keep: further columns whose values are kept, see `Corpus.kept`.

    Raises:
        InputError: the data cannot be used; the message says where, why, and what to do.
    """
    config = replace(config, split_seed=seed if config.split_seed is None else config.split_seed)
    known = [*_known(config, columns, sample, keep), seed]
    return sharing.once("corpus", known, lambda: _load(config, columns, sample, seed, keep))


def _load(config: DataConfig, columns: Sequence[Column], sample: str, seed: int, keep: Sequence[str]) -> Corpus:
    undrawn = replace(config, n_train=None, per_class=None)
    known = _known(undrawn, columns, sample, keep)
    divided, notes = sharing.once("splits", known, lambda: _divided(undrawn, columns, sample, keep))
    kind, notes = kind_of(output_of(columns)), list(notes)
    splits = _draw_train(divided, kind, config, seed, notes)
    examples = {name: splits[name].examples for name in SPLITS if name in splits}
    check_labels(kind, examples, {name: split.where for name, split in splits.items()})
    train = splits["train"]
    kept = {name: splits[name].kept for name in examples}
    return Corpus(examples, train.declared, train.choice.names, tuple(notes), kept)


def _known(config: DataConfig, columns: Sequence[Column], sample: str, keep: Sequence[str]) -> list[object]:
    return [*(getattr(config, f.name) for f in fields(config)), tuple(columns), sample, tuple(keep)]


def _divided(
    config: DataConfig, columns: Sequence[Column], sample: str, keep: Sequence[str]
) -> tuple[dict[str, _Split], list[str]]:
    """Returns the splits with all training rows, divided by `config.split_seed`, and notes."""
    notes = [f"train: not given, so the sample data {sample!r} is used"] if config.train is None else []
    splits = _read_splits(Wish(columns, config, {}), sample, notes, keep)
    kind = kind_of(output_of(columns))
    splits = _renamed(splits, renaming(config.label_names, kind.facts), kind)
    splits = _uniform(splits, kind, notes)
    return _divide(splits, kind, int(config.split_seed or 0), notes), notes


def load_split(source: object, config: DataConfig, columns: Sequence[Column], *, need_label: bool) -> list[Example]:
    """Returns all rows of one new file, frame or list, in order; blank texts are kept.

    Repairs are logged to "nlptl".

    Args:
        source: as `DataConfig.test`, or a list or array of texts if the task reads a single text; from a source with
            splits, test is read.
        config: the data settings: names of columns and labels, and how files are read.
        columns: the columns that the task reads.
        need_label: whether rows without a label are an error; if not, the label column may be missing.

    Raises:
        InputError: the data cannot be used.
    """
    if not need_label:  # then the label column may hold anything
        columns = [c for c in columns if c.role not in label_roles(columns)]
    texts = texts_in(source)
    if texts is not None:
        return _texts(texts, [c for c in columns if c.required])
    table = find_source(source, config).table("test")
    return rows_of(table, choose_columns(table, Wish(columns, config, {})).names, config, columns)


def rows_of(table: Table, names: Mapping[str, str], config: DataConfig, columns: Sequence[Column]) -> list[Example]:
    """Returns the rows of a table; labels, if a label column is given, are checked and renamed; see `load_split`.

    Args:
        table: the rows.
        names: the table's column for each role.
        config: the data settings, with new names of labels.
        columns: the columns to read.
    """
    examples, notes = to_examples(table, columns, names)
    if any(role in names for role in label_roles(columns)):
        check_labelled(examples, table.name)
    kind = kind_of(output_of(columns))
    examples = renamed(examples, renaming(config.label_names, kind.facts), kind)
    splits, more = kind.uniform({table.name: examples})
    tell((*table.notes, *notes, *more))
    return list(splits[table.name])


def tell(notes: Sequence[str]) -> None:
    """Logs the decisions and repairs made while reading new data."""
    for note in notes:
        LOGGER.warning("%s", note)


def _texts(texts: Sequence[str], needed: Sequence[Column]) -> list[Example]:
    roles = [c.role for c in needed]
    lacking = [c.role for c in needed if c.field != "text"]
    if lacking:
        raise InputError(
            f"a list of strings has no {lacking[0]} column; give a list of dicts with {' and '.join(roles)}, such as "
            f"[{{{', '.join(f'{role!r}: ...' for role in roles)}}}]"
        )
    table = Table("the list", [{roles[0]: text} for text in texts])
    examples, notes = to_examples(table, needed, {roles[0]: roles[0]})
    tell(notes)
    return examples


def _read_splits(wish: Wish, sample: str, notes: list[str], keep: Sequence[str]) -> dict[str, _Split]:
    config = wish.config
    source = find_source(f"sample:{sample}" if config.train is None else config.train, config)
    if source.ignored:
        notes.append(f"{source.name}: the splits {', '.join(source.ignored)} are not used")
    splits: dict[str, _Split] = {}
    for name in SPLITS:
        given = getattr(config, name) if name != "train" else None
        from_train = given is None
        if from_train and name != "train" and not source.has(name):
            continue
        table = (source if from_train else find_source(given, config)).table(name)
        is_own_test = from_train and name == "test"
        split = _read_own_test(table, wish, notes) if is_own_test else _read(table, wish, name, config)
        if split is not None:
            splits[name] = replace(split, kept=_kept(table, keep))
            evaluated = (table, split.where)  # of train, validation and test the last one
            notes += split.notes
            wish = replace(wish, train=splits["train"].choice.names)
    _check_kept(*evaluated, keep)
    return splits


def _kept(table: Table, names: Sequence[str]) -> dict[str, Sequence[object]]:
    return {name: table.cells(name).values for name in names if name in table.columns}


def _check_kept(table: Table, where: str, names: Sequence[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise InputError(
                f"{where} has no column {name!r}{nearest(name, table.columns)}, which --eval.slices names; found the "
                f"columns {', '.join(map(repr, table.columns))}"
            )


def _read(table: Table, wish: Wish, name: str, config: DataConfig) -> _Split:
    split = _labelled(table, wish, name)
    if name == "test":
        return split
    examples, notes = without_blank(split.examples, split.where, config.blank)
    return replace(split, examples=examples, notes=(*split.notes, *notes))


def _read_own_test(table: Table, wish: Wish, notes: list[str]) -> _Split | None:
    # Benchmarks often publish test rows without labels, which can be predicted but not scored.
    roles = label_roles(wish.columns)
    names = choose_columns(table, replace(wish, optional=roles)).names
    expects_label = any(role in wish.train for role in roles)
    # Single rows may have no answer or no label; if all rows have none, the labels were withheld.
    if expects_label and all(e.label in (None, ()) for e in to_examples(table, wish.columns, names)[0]):
        notes.append(f"test: left out, {table.name} has no labels")
        return None
    return _labelled(table, wish, "test")


def _labelled(table: Table, wish: Wish, name: str) -> _Split:
    where = f"{name} ({table.name})"
    named = replace(table, name=where)
    choice = choose_columns(named, wish)
    examples, notes = to_examples(named, wish.columns, choice.names)
    label = next((choice.names[role] for role in label_roles(wish.columns) if role in choice.names), None)
    if label is not None:
        check_labelled(examples, where)
    declared = _declared(table, label)
    return _Split(examples, where, choice, (*table.notes, *_column_notes(choice, wish, name), *notes), declared)


def _declared(table: Table, column: str | None) -> tuple[str, ...] | None:
    classes = table.classes.get(column) if column is not None else None
    if classes is None:
        return None
    names = label_names(classes, f"{table.name}, the names of {column!r}")
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _column_notes(choice: Choice, wish: Wish, name: str) -> tuple[str, ...]:
    if not wish.train:
        return choice.notes
    other = {role: c for role, c in choice.names.items() if wish.train.get(role, c) != c}
    return tuple(f"{name}: the {role} column is {c!r}, in train {wish.train[role]!r}" for role, c in other.items())


def _renamed(splits: dict[str, _Split], mapping: dict[str, str], kind: AnyKind) -> dict[str, _Split]:
    if not mapping:
        return splits
    examples = [e for split in splits.values() for e in split.examples]
    found = {name for e in examples for name in kind.nameable(e.label)}
    declared = [label for split in splits.values() for label in split.declared or ()]
    check_renaming(mapping, sorted({*found, *declared}))
    return {
        name: replace(
            split,
            examples=renamed(split.examples, mapping, kind),
            declared=split.declared and tuple(dict.fromkeys(kind.renamed_names(split.declared, mapping))),
        )
        for name, split in splits.items()
    }


def _uniform(splits: dict[str, _Split], kind: AnyKind, notes: list[str]) -> dict[str, _Split]:
    # All splits together: a small validation split may not show in which scheme tags are written.
    examples, found = kind.uniform({split.where: split.examples for split in splits.values()})
    notes += found
    return {
        name: replace(
            split, examples=list(examples[split.where]), declared=split.declared and kind.declared(split.declared)
        )
        for name, split in splits.items()
    }


def _divide(splits: dict[str, _Split], kind: AnyKind, seed: int, notes: list[str]) -> dict[str, _Split]:
    if "validation" in splits:
        if "test" not in splits:
            notes.append("test: none, so there is no score on held-out test data")
        return splits
    train = splits["train"]
    wanted = [name for name in ("validation", "test") if name not in splits]
    done = kind.divide(train.examples, dict.fromkeys(wanted, HELD_OUT), seed)
    divided = dict(splits)
    for name, positions in done.parts.items():
        if not positions:
            raise InputError(f"{train.where}: {undivided(kind, train.examples, name, done.needs)}")
        where = train.where if name == "train" else f"{name} ({HELD_OUT:.0%} of {train.where})"
        divided[name] = replace(train, examples=[train.examples[i] for i in positions], where=where)
        if name != "train":
            share = f"{HELD_OUT * 100:.0f} % of train"
            notes.append(f"{name}: {share} ({len(positions)} rows), {done.how}, seed {seed}")
    return divided


def _draw_train(
    splits: dict[str, _Split], kind: AnyKind, config: DataConfig, seed: int, notes: list[str]
) -> dict[str, _Split]:
    train = splits["train"]
    rows, n_rows = train.examples, len(train.examples)
    if config.n_train is not None:
        by, positions = f"data.n_train {config.n_train}", draw(n_rows, config.n_train, seed)
    elif config.per_class is not None:
        if kind.facts is None or kind.facts.names is None:
            raise InputError("data.per_class needs answers with classes, which this task does not have: data.n_train")
        names = rarest([kind.names_in(e.label) for e in rows])
        by, positions = f"data.per_class {config.per_class}", draw_by_class(names, config.per_class, seed)
    else:
        return splits
    notes.append(f"train: {len(positions)} of {n_rows} rows ({by}), drawn with seed {seed}")
    where = f"{train.where}, {len(positions)} of {n_rows} rows by --{by.split()[0]}"
    return {**splits, "train": replace(train, examples=[rows[i] for i in positions], where=where)}
