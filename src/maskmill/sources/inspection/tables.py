"""Class tables among the files of a data set: who is called what, in whichever format and column order."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from maskmill.sources.inspection.findings import Colour
from maskmill.sources.tree import FileTree

SUFFIXES = {".csv", ".tsv", ".txt", ".json", ".yaml", ".yml", ".md", ".labels", ".names"}
MOST_BYTES = 1 << 20  # of a file; class tables are small
MOST_FILES = 200
MOST_ALIKE = 20  # files of one suffix in a folder; more of them describe a picture each
MOST_ROWS = 1000

_NAME_KEYS = tuple("name title label class classname classtitle labelname category categories classes readable".split())  # noqa: SIM905
_COLOUR_KEYS = tuple("color colour rgb hex colorrgb rgbcolor hexcolor colorhex colors palette hexcode rgbvalue".split())  # noqa: SIM905
_ID_KEYS = tuple(
    "id classid labelid value pixelvalue pixel index idx gray grey grayvalue greyvalue number trainid".split()  # noqa: SIM905
)
_MEASURES = {"height", "width", "depth", "channels"}  # of a picture, as its annotation file has them
_CHANNEL_KEYS = (("r", "red"), ("g", "green"), ("b", "blue"))
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:#|0x)?([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?(?![0-9A-Za-z])")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class TableRow:
    """One class as a file describes it.

    Args:
        name: as the file has it.
        colour: RGB, if the file gives one.
        values: what it may be in masks: column -> number, for a file may number its classes twice (id, trainId).
    """

    name: str
    colour: Colour | None = None
    values: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class FoundTable:
    """A class table found in a file.

    Args:
        path: below the tree's root.
        rows: at least two, in the file's order; or one that has a colour, of the only thing that masks show.
        is_list: whether the file only lists names, so that their places are their values.
    """

    path: str
    rows: tuple[TableRow, ...]
    is_list: bool = False


def find_tables(tree: FileTree) -> list[FoundTable]:
    """Return the class tables among a tree's small text files; none of them is known to fit the masks yet."""
    stems = {PurePosixPath(path).stem for path in tree.files}
    tables = [table for path in _choose_files(tree) for table in read_tables(path, (tree.root / path).read_bytes())]
    return [table for table in tables if not (table.is_list and any(PurePosixPath(row.name).stem in stems for row in table.rows))]


def read_tables(path: str, content: bytes) -> list[FoundTable]:
    """Return the class tables in one file: several where a JSON file holds several lists."""
    text = _decode(content)
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in (".json", ".yaml", ".yml"):
        found = list(_walk(_parse(text, suffix)))
    else:
        found = [rows for rows in (_read_columns(text), _read_lines(text)) if rows][:1]
        if not found and suffix != ".md":
            found = [rows for rows in [_read_names(text)] if rows]
    return [
        FoundTable(path, tuple(rows), is_list=all(row.colour is None and not row.values for row in rows))
        for rows in found
        if len(rows) <= MOST_ROWS and (_is_one_colour(rows) or len({row.name for row in rows} - _MEASURES) > 1)
    ]


def _is_one_colour(rows: Sequence[TableRow]) -> bool:
    """Tell a table of one class, whose background has no row."""
    return len(rows) == 1 and rows[0].colour is not None


def _choose_files(tree: FileTree) -> list[str]:
    alike: dict[tuple[str, str], list[str]] = {}
    for path in tree.files:
        place = PurePosixPath(path)
        if place.suffix.lower() in SUFFIXES:
            alike.setdefault((place.parent.as_posix(), place.suffix.lower()), []).append(path)
    few = [path for paths in alike.values() if len(paths) <= MOST_ALIKE for path in paths]
    near_the_top = sorted(few, key=lambda path: (path.count("/"), path))[:MOST_FILES]
    return [path for path in near_the_top if _is_small(tree, path)]


def _is_small(tree: FileTree, path: str) -> bool:
    file = tree.root / path
    return file.is_file() and file.stat().st_size <= MOST_BYTES


def _decode(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _parse(text: str, suffix: str) -> Any:
    try:
        return json.loads(text) if suffix == ".json" else YAML(typ="safe").load(text)
    except (ValueError, YAMLError, RecursionError):
        return None


def _walk(node: Any, depth: int = 0) -> Iterator[list[TableRow]]:
    """Yield what may be a class table anywhere in nested lists and mappings."""
    if depth > 8:
        return
    if isinstance(node, Mapping):
        rows = _read_mapping(node)
        if (len(rows) > 1 or _is_one_colour(rows)) and len(rows) >= 0.8 * len(node):
            yield rows
            return
        for value in node.values():
            yield from _walk(value, depth + 1)
    elif isinstance(node, list):
        entries = [entry for entry in node if isinstance(entry, Mapping)]
        rows = [row for row in map(_read_entry, entries) if row]
        if (len(rows) > 1 or _is_one_colour(rows)) and len(rows) == len(node):
            yield rows
        elif len(node) > 1 and all(isinstance(entry, str) and _is_name(entry) for entry in node):
            yield [TableRow(name.strip()) for name in node]
        else:
            for entry in node[:MOST_ROWS]:
                yield from _walk(entry, depth + 1)


def _read_entry(entry: Mapping[Any, Any]) -> TableRow | None:
    """Read {"title": ..., "color": ...} and the like."""
    values = {_normalise(str(key)): value for key, value in entry.items()}
    name = next((values[key] for key in _NAME_KEYS if isinstance(values.get(key), str)), None)
    colour = next((colour for key in _COLOUR_KEYS if (colour := parse_colour(values.get(key)))), None)
    numbers = tuple((key, number) for key in _ID_KEYS if (number := _parse_value(values.get(key))) is not None)
    if colour is None:
        colour = parse_colour([_first(values, keys) for keys in _CHANNEL_KEYS])
    if name is None or not name.strip() or (colour is None and not numbers):
        return None
    return TableRow(name.strip(), colour, numbers)


def _read_mapping(node: Mapping[Any, Any]) -> list[TableRow]:
    """Read {name: colour}, {name: id}, {id: name}, {colour: name} or {name: {color: ..., id: ...}}."""
    rows = []
    for key, value in node.items():
        text = str(key)
        if isinstance(value, str) and not parse_colour(value) and (colour := parse_colour(text)):
            rows.append(TableRow(value.strip(), colour))
        elif isinstance(value, str) and _is_name(value) and (number := _parse_value(key)) is not None:
            rows.append(TableRow(value.strip(), None, (("id", number),)))
        elif isinstance(value, Mapping):
            row = _read_entry({"name": text} | dict(value)) if _is_name(text) else _read_entry({"id": key} | dict(value))
            rows += [row] if row else []
        elif _is_name(text) and (colour := parse_colour(value)):
            rows.append(TableRow(text.strip(), colour))
        elif _is_name(text) and isinstance(value, int) and (number := _parse_value(value)) is not None:
            rows.append(TableRow(text.strip(), None, (("id", number),)))
    return rows


def _read_columns(text: str) -> list[TableRow]:
    """Read a table whose first line names its columns."""
    lines = [line for line in text.splitlines() if line.strip()]
    for separator in (",", ";", "\t", "|", None):
        cells = [_split(line, separator) for line in lines]
        header = [_normalise(cell) for cell in cells[0]] if cells else []
        if not any(key in header for key in _NAME_KEYS) or len(header) < 2:
            continue
        rows = [_read_entry(dict(zip(header, _fit(row, header), strict=True))) for row in cells[1:]]
        found = [row for row in rows if row]
        if (len(found) > 1 or _is_one_colour(found)) and len(found) >= 0.8 * len(rows):
            return found
    return []


def _split(line: str, separator: str | None) -> list[str]:
    if separator is None:
        return line.split()
    cells = next(
        csv.reader([line.strip().strip("|") if separator == "|" else line], delimiter=separator, skipinitialspace=True), []
    )
    return [cell.strip() for cell in cells]


def _fit(row: Sequence[str], header: Sequence[str]) -> list[str]:
    """Return a row as long as the header; an unquoted "r, g, b" in the colour's column is put together again."""
    extra = len(row) - len(header)
    place = next((place for place, key in enumerate(header) if key in _COLOUR_KEYS), None)
    if extra > 0 and place is not None:
        row = [*row[:place], " ".join(row[place : place + extra + 1]), *row[place + extra + 1 :]]
    return [*row, *[""] * len(header)][: len(header)]


def _read_lines(text: str) -> list[TableRow]:
    """Read lines of a name and numbers in any order, whatever separates them: CVAT's label maps, CamVid's label_colors.txt."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("# ", "//"))]
    found = [parts for line in lines if (parts := _take_apart(line))]
    with_colours = [parts for parts in found if parts[1] or len(parts[2]) >= 3]
    if len(with_colours) > 1:
        found = with_colours  # the rest is prose
    elif len(found) < 0.8 * len(lines):
        return []
    starts = sorted(numbers[0] for _, _, numbers in found if len(numbers) == 4)
    is_number_first = starts in (list(range(len(starts))), list(range(1, len(starts) + 1)))
    rows = []
    for name, colour, numbers in found:
        rest = list(numbers)
        if colour is None and len(rest) >= 3:
            place = 1 if len(rest) == 4 and is_number_first else 0
            colour = parse_colour(rest[place : place + 3])  # noqa: PLW2901
            del rest[place : place + 3]
        if colour or rest:
            rows.append(TableRow(name, colour, (("number", rest[0]),) if rest else ()))
    return rows


def _take_apart(line: str) -> tuple[str, Colour | None, list[int]] | None:
    """Return a line's name, the colour written in hexadecimal, and the whole numbers that are left."""
    hexadecimal = next((match for match in _HEX.finditer(line) if not (match[1].isdigit() and "#" not in match[0])), None)
    colour = parse_colour(f"#{hexadecimal[1]}") if hexadecimal else None
    if hexadecimal:
        line = line[: hexadecimal.start()] + " " + line[hexadecimal.end() :]
    tokens = [token for token in re.split(r"[\s,;:|=()\[\]{}'\"]+", line) if token]
    numbers = [int(token) for token in tokens if re.fullmatch(r"\d{1,5}", token)]
    words = [token for token in tokens if not _NUMBER.fullmatch(token) and token not in "-*>#"]
    name = " ".join(words).strip(" -")
    if not words or len(words) > 6 or not _is_name(name) or (colour is None and not numbers):
        return None
    return name, colour, numbers


def _read_names(text: str) -> list[TableRow]:
    """Read a name a line, in the order of the ids."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 256 or not all(_is_name(line) and len(line.split()) <= 4 and not set("/,;=") & set(line) for line in lines):
        return []
    return [TableRow(line) for line in lines]


def parse_colour(value: Any) -> Colour | None:
    """Return the colour that a file's value means: "#F0A020", "240, 160, 32", [240, 160, 32], or fractions of 1; None if none."""
    if isinstance(value, str):
        text = value.strip()
        if match := re.fullmatch(r"(?:#|0x)?([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?", text):
            number = int(match[1], 16)
            return number >> 16, number >> 8 & 255, number & 255
        if re.search(r"[A-Za-z]", re.sub(r"(?i)^\s*rgba?", "", text)):
            return None
        value = _NUMBER.findall(text)
    if isinstance(value, Mapping):
        lowered = {str(key).lower(): part for key, part in value.items()}
        value = [_first(lowered, keys) for keys in _CHANNEL_KEYS]
    if not isinstance(value, Sequence) or len(value) not in (3, 4):
        return None
    try:
        numbers = [float(part) for part in value[:3]]
    except (TypeError, ValueError):
        return None
    if any(number % 1 for number in numbers) and all(0 <= number <= 1 for number in numbers):
        numbers = [round(number * 255) for number in numbers]
    if any(number % 1 or not 0 <= number <= 255 for number in numbers):
        return None
    red, green, blue = map(int, numbers)
    return red, green, blue


def _parse_value(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    text = str(value).strip()
    return int(float(text)) if re.fullmatch(r"\d{1,5}(\.0+)?", text) else None


def _first(values: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((values[key] for key in keys if key in values), None)


def _normalise(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())


def _is_name(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]", text)) and len(text) <= 60
