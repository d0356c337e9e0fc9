"""A table of the source that says more about each picture: its part, and what it is grouped by."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from maskmill.errors import SourceError, suggest, summarise_problems
from maskmill.sources.choosing import find_pictures
from maskmill.sources.pairing import Pair, settle
from maskmill.sources.patterns import SPLIT_FIELD, SPLIT_NAMES, read_own_split
from maskmill.sources.settings import Missing, TableColumns
from maskmill.sources.tables import read_table
from maskmill.sources.tree import FileTree

SETTING = "source.table"


def join_table(tree: FileTree, pairs: Sequence[Pair], table: TableColumns, missing: Missing) -> list[Pair]:
    """Give each pair the cells of its picture's row, and the part that they say.

    A cell of the image column ends like the picture's path, with or without suffix, letter case aside; it may come from another
    machine, see `find_pictures`. Where the split column is empty, the part stays what it was.

    Args:
        tree: the source's files.
        pairs: what the form found; those of one picture (tiles) share its row.
        table: where the table is, and its columns.
        missing: what becomes of pictures without a row, and of rows without a picture.

    Raises:
        SourceError: no such table or column, a value that is no part, a part that contradicts the one that the pair has, two rows
            for one picture, or, with "error", pictures without a row or rows without a picture.
    """
    path = _find_table(tree, table.file)
    rows = read_table(path)
    _check_columns(rows, table)
    parts = _read_parts(rows, table)
    row_of = _match_rows(rows, pairs, table, missing)
    alone = sorted({str(pair.image) for pair in pairs if pair.image not in row_of})
    settle(f"pictures have no row in {table.file}", alone, missing, fix="add the rows, or narrow source.images")
    cells_of = dict(zip(rows.index.tolist(), rows.to_dict("records"), strict=True))
    known = [pair for pair in pairs if pair.image in row_of]
    lines = [row_of[pair.image] for pair in known]
    _refuse_contradictions(known, lines, parts, table)
    return [
        replace(pair, split=parts[line] or pair.split, cells={str(name): cell for name, cell in cells_of[line].items()})
        for pair, line in zip(known, lines, strict=True)
    ]


def _find_table(tree: FileTree, name: str) -> Path:
    """Return the table below the tree, or below its single top folder."""
    for level in tree.levels():
        if name in level.files:
            return level.root / name
    raise SourceError(
        f"no {name} below {tree.name}; some of the files there:\n{summarise_problems(tree.choose_examples())}",
        fix=f"correct {SETTING}.file",
    )


def _check_columns(rows: pd.DataFrame, table: TableColumns) -> None:
    columns = [str(name) for name in rows.columns]
    for role, name in (("image", table.image), ("split", table.split)):
        if name is not None and name not in columns:
            raise SourceError(
                f"{table.file} has no column {name!r}{suggest(name, columns)}",
                expected=f"one of its columns: {', '.join(columns)}",
                fix=f"correct {SETTING}.{role}",
            )


def _read_parts(rows: pd.DataFrame, table: TableColumns) -> dict[int, str]:
    """Return the part of each row by its line, "" where none is said."""
    if table.split is None:
        return dict.fromkeys(rows.index, "")
    texts = dict(zip(rows.index.tolist(), rows[table.split], strict=True))
    parts = {line: read_own_split({SPLIT_FIELD: text}) for line, text in texts.items()}
    unknown = [f"{table.file}:{line}: {text!r}" for line, text in texts.items() if text and not parts[line]]
    if unknown:
        raise SourceError(
            f"{len(unknown)} values of column {table.split!r} are no part of a data set:\n{summarise_problems(unknown)}",
            expected=f"one of {', '.join(SPLIT_NAMES)}, also with a year; or an empty cell",
            fix=f"correct the table, or {SETTING}.split; without it encode draws the parts",
        )
    return parts


def _match_rows(rows: pd.DataFrame, pairs: Sequence[Pair], table: TableColumns, missing: Missing) -> dict[Path, int]:
    """Return the line of each picture's row."""
    found = find_pictures({pair.image for pair in pairs}, rows[table.image])
    row_of: dict[Path, int] = {}
    absent, repeated = [], []
    for line, entry in zip(rows.index.tolist(), rows[table.image], strict=True):
        image = found.get(entry)
        if image is None:
            absent.append(f"{table.file}:{line}: {entry!r}")
        elif image in row_of:
            repeated.append(f"{table.file}:{line}: {image.name} has a row before, in line {row_of[image]}")
        else:
            row_of[image] = line
    settle("rows repeat a picture", repeated, "error", fix="leave one row a picture")
    if not row_of:
        raise SourceError(
            f"column {table.image!r} of {table.file} names none of the {len({pair.image for pair in pairs})} pictures",
            expected=f"ends of their paths, as {pairs[0].image}",
            fix=f"correct {SETTING}.image, or source.images",
        )
    settle("rows name no picture, or may name several", absent, missing, fix="add the pictures, or correct the table")
    return row_of


def _refuse_contradictions(pairs: Sequence[Pair], lines: Sequence[int], parts: dict[int, str], table: TableColumns) -> None:
    """Refuse pictures that {split} or a list puts in one part and the table in another."""
    problems = {
        f"{table.file}:{line}: {pair.image.name} is {parts[line]} here, {pair.split} by {{split}} or source.lists": None
        for pair, line in zip(pairs, lines, strict=True)
        if parts[line] and pair.split and parts[line] != pair.split
    }
    if problems:
        raise SourceError(
            f"{len(problems)} parts contradict each other:\n{summarise_problems(list(problems))}",
            fix=f"correct the table; or set {SETTING}.split to null, or call the field something other than {{split}}",
        )
