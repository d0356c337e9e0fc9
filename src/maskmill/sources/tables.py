"""Tables as text files, in whatever encoding and with whatever delimiter a spreadsheet wrote them."""

import codecs
import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from maskmill.errors import SourceError

_DELIMITERS = ",;\t"
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table, every cell as text without surrounding spaces, "" where there is none.

    UTF-8 or UTF-16 with a mark, UTF-8 without one, else Windows-1252. The delimiter (comma, semicolon or tab) is the commonest
    one of the heading. Empty lines are skipped.

    Returns:
        The columns by their headings; the index is each row's line in the file, where no cell has line breaks.

    Raises:
        SourceError: no text, no heading, or a row with more cells than that.
    """
    text = _read_text(path)
    heading = text.partition("\n")[0]
    if not heading.strip():
        raise SourceError(
            f"{path} {'is empty' if not text.strip() else 'has no heading'}",
            expected="a table with a heading",
            fix="get a whole file",
        )
    delimiter = max(_DELIMITERS, key=heading.count)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # pandas would drop the cells beyond the heading
            table = pd.read_csv(
                io.StringIO(text), sep=delimiter, dtype=str, keep_default_na=False, skip_blank_lines=False, index_col=False
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise SourceError(f"{path} is no table: {error}", expected="as many cells in every row", fix="correct the file") from None
    table = table.fillna("").apply(lambda column: column.str.strip())
    table.columns = table.columns.str.strip()
    table.index += 2
    return table[(table != "").any(axis=1)]


def find_column(table: pd.DataFrame, usual: Sequence[str]) -> str | None:
    """Return the column that has one of some usual names, the first of them before the others, letter case and _ - spaces aside."""
    plain = {_simplify(name): name for name in reversed(list(table.columns))}
    return next((plain[_simplify(name)] for name in usual if _simplify(name) in plain), None)


def require_column(table: pd.DataFrame, path: Path, role: str, *, given: str | None, usual: Sequence[str]) -> str:
    """Return the column that plays a role: as `given` (source.columns), else by its usual names.

    Raises:
        SourceError: it is not there; the message lists the columns that are.
    """
    found = find_column(table, usual) if given is None else given
    if found is not None and found in table.columns:
        return found
    raise SourceError(
        f"{path} has no column {given!r}" if given else f"{path} has no column for the {role}",
        expected=f"one of its columns: {', '.join(table.columns)}" if given else f"one called {', '.join(usual)}",
        fix=f"set source.columns.{role} to one of its columns: {', '.join(table.columns)}",
    )


def _simplify(name: str) -> str:
    return name.casefold().translate(str.maketrans("", "", "_- "))


def _read_text(path: Path) -> str:
    content = path.read_bytes()
    encodings = ["utf-16"] if content.startswith(_UTF_16_MARKS) else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SourceError(f"{path} is no text in a known encoding", expected="UTF-8, UTF-16 or Windows-1252", fix="save it as UTF-8")
