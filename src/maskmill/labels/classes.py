"""The class table: which colours or source ids of a mask mean which class."""

import colorsys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskmill.errors import DataError, ParamsError, summarise_problems
from maskmill.labels.colours import EXACT, MAX_COLOURS, UNMATCHED, WHITE, encode_colours, match_colours
from maskmill.outputs import new_file

VOID = 255
MAX_SOURCE_ID = 65535

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class ClassTable:
    """The classes of a data set: ids 0 to K - 1, and 255 for void.

    Args:
        names: the K class names, by id.
        shown: K RGB colours in which the ids are painted.
        void_name: the name of the void class; None where there is none.
        void_shown: the RGB colour of void.
        colour_ids: the id of each RGB colour that occurs in colour masks, the lowest ids first and void last.
        source_ids: the id of each value that occurs in index masks.
        shared: each colour that several classes claim, and their names; the first one gets its pixels.
    """

    names: tuple[str, ...]
    shown: tuple[Colour, ...]
    void_name: str | None
    void_shown: Colour
    colour_ids: Mapping[Colour, int]
    source_ids: Mapping[int, int]
    shared: Mapping[Colour, tuple[str, ...]]

    @property
    def num_classes(self) -> int:
        """How many classes there are, void not among them."""
        return len(self.names)

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The colour of each id: uint8 (256, 3) RGB, void at 255, ids without a class black."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(self.shown)] = self.shown
        palette[VOID] = self.void_shown
        return palette


def build_class_table(classes: Iterable[Mapping[str, Any]]) -> ClassTable:
    """Build the class table from the `classes` section of params.yaml.

    Args:
        classes: mappings of `name`, `id`, and optionally `colours` (RGB triples, the first one is shown), `source_ids` (values in
            index masks; the class's own id when empty) and `void` (at most one class; it needs no id).

    Raises:
        ParamsError: a name or id twice, ids that are not 0 to K - 1, a colour or source id out of range, a source id in two
            classes, several void classes, or no class; all of them are listed.
    """
    entries = [dict(entry) for entry in classes]
    ordered = sorted((entry for entry in entries if not entry.get("void")), key=_order)
    voids = [entry for entry in entries if entry.get("void")]
    problems = [*_find_id_problems(ordered, voids), *_find_value_problems(entries)]
    if problems:
        raise ParamsError(
            f"the class table cannot be used:\n{summarise_problems(problems)}", fix="correct the classes section of params.yaml"
        )
    numbered = [*enumerate(ordered), *((VOID, entry) for entry in voids)]
    colour_ids, shared = _assign_colours(numbered)
    return ClassTable(
        names=tuple(entry["name"] for entry in ordered),
        shown=tuple(_choose_shown(entry, _invent_colour(number)) for number, entry in enumerate(ordered)),
        void_name=voids[0]["name"] if voids else None,
        void_shown=_choose_shown(voids[0], WHITE) if voids else WHITE,
        colour_ids=colour_ids,
        source_ids={value: number for number, entry in numbered for value in entry.get("source_ids") or (number,)},
        shared=shared,
    )


def map_colours(colour_mask: NDArray[np.uint8], table: ClassTable, tolerance: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Turn a mask of colours into class ids.

    Args:
        colour_mask: uint8 (H, W, 3) RGB.
        table: the classes.
        tolerance: the Euclidean distance in RGB up to which a pixel counts as tolerated.

    Returns:
        uint8 (H, W) ids of the nearest class colours, 255 = void; and uint8 (H, W): 0 exact, 1 tolerated, 2 unmatched.

    Raises:
        ParamsError: no class has a colour.
    """
    if not table.colour_ids:
        raise ParamsError("no class has colours, and the masks are painted in colours", fix="give each class its colours")
    colours = np.array(list(table.colour_ids), np.uint8)
    ids = np.array(list(table.colour_ids.values()), np.uint8)
    return np.take(ids, encode_colours(colour_mask, colours)), match_colours(colour_mask, colours, tolerance)


def map_ids(raw_ids: NDArray[np.integer], table: ClassTable) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Turn a mask of source ids into class ids.

    Args:
        raw_ids: integers (H, W).
        table: the classes.

    Returns:
        uint8 (H, W) ids, 255 = void and also values that are in no class; and uint8 (H, W): 0 exact, 2 unmatched.
    """
    # One place more on either side holds what lies below and above every source id.
    highest = max(table.source_ids)
    ids = np.full(highest + 3, VOID, np.uint8)
    matches = np.full(highest + 3, UNMATCHED, np.uint8)
    for value, number in table.source_ids.items():
        ids[value + 1] = number
        matches[value + 1] = EXACT
    places = np.clip(raw_ids.astype(np.int64), -1, highest + 1) + 1
    return np.take(ids, places), np.take(matches, places)


def write_class_table(table: ClassTable, path: Path) -> None:
    """Write classes.csv: id, name and shown colour of each class, void last."""
    rows: list[tuple[int, str, Colour]] = list(zip(range(table.num_classes), table.names, table.shown, strict=True))
    if table.void_name is not None:
        rows.append((VOID, table.void_name, table.void_shown))
    frame = pd.DataFrame([(number, name, *colour) for number, name, colour in rows], columns=["id", "name", "red", "green", "blue"])
    with new_file(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_class_table(path: Path) -> ClassTable:
    """Read what `write_class_table` wrote; its masks are encoded, so source ids and colours are the classes' own.

    Raises:
        DataError: the file is absent or not such a table.
    """
    try:
        frame = pd.read_csv(path, dtype={"name": str}, keep_default_na=False)  # a class may be called "NA"
        rows = [
            {"name": name, "id": None if number == VOID else number, "colours": [colour], "void": number == VOID}
            for number, name, *colour in frame[["id", "name", "red", "green", "blue"]].itertuples(index=False)
        ]
        return build_class_table(rows)
    except (OSError, ValueError, KeyError, ParamsError) as error:
        raise DataError(f"{path} is not a table of classes: {error}", fix="run dvc repro encode again") from None


def _order(entry: Mapping[str, Any]) -> int:
    number = entry.get("id")
    return VOID if number is None else int(number)


def _find_id_problems(ordered: list[dict[str, Any]], voids: list[dict[str, Any]]) -> list[str]:
    problems = []
    if not ordered:
        problems.append("there is no class besides void; at least one is needed")
    if len(voids) > 1:
        names = ", ".join(entry["name"] for entry in voids)
        problems.append(f"{names} are all void: make them one class with all their colours and source_ids")
    problems += [
        f"void class {entry['name']} has id {entry['id']}: void is 255, leave its id out"
        for entry in voids
        if entry.get("id") not in (None, VOID)
    ]
    problems += [f"class {entry['name']} has no id" for entry in ordered if entry.get("id") is None]
    given = [entry["id"] for entry in ordered if entry.get("id") is not None]
    problems += [f"id {number} is given {given.count(number)} times" for number in sorted(set(given)) if given.count(number) > 1]
    if not problems and given != list(range(len(given))):
        problems.append(f"the ids are {', '.join(map(str, given))}: they must run from 0 to {len(given) - 1}")
    if len(ordered) > VOID:
        problems.append(f"there are {len(ordered)} classes: at most {VOID} fit")
    return problems


def _find_value_problems(entries: list[dict[str, Any]]) -> list[str]:
    problems = []
    names = [entry["name"] for entry in entries]
    problems += [f"the name {name} is given {names.count(name)} times" for name in dict.fromkeys(names) if names.count(name) > 1]
    claimed: dict[int, str] = {}
    for entry in entries:
        problems += [
            f"class {entry['name']} has colour {list(colour)}: a colour is three integers from 0 to 255"
            for colour in entry.get("colours") or ()
            if len(colour) != 3 or not all(_is_integer_to(255, part) for part in colour)
        ]
        number = VOID if entry.get("void") else entry.get("id")
        for value in entry.get("source_ids") or ((number,) if number is not None else ()):
            if not _is_integer_to(MAX_SOURCE_ID, value):
                problems.append(f"class {entry['name']} has source id {value}: an integer from 0 to {MAX_SOURCE_ID} is expected")
            elif claimed.setdefault(value, entry["name"]) != entry["name"]:
                problems.append(f"source id {value} belongs to {claimed[value]} and to {entry['name']}: give it to one of them")
    distinct = {tuple(colour) for entry in entries for colour in entry.get("colours") or ()}
    if len(distinct) > MAX_COLOURS:
        problems.append(f"there are {len(distinct)} colours: at most {MAX_COLOURS} fit")
    return problems


def _is_integer_to(highest: int, value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(0 <= value <= highest)


def _assign_colours(
    numbered: Iterable[tuple[int, Mapping[str, Any]]],
) -> tuple[dict[Colour, int], dict[Colour, tuple[str, ...]]]:
    """Give each colour to the lowest id that claims it; name all claimants of those that have several."""
    ids: dict[Colour, int] = {}
    claimants: dict[Colour, list[str]] = {}
    for number, entry in numbered:
        for red, green, blue in dict.fromkeys(map(tuple, entry.get("colours") or ())):
            colour = (int(red), int(green), int(blue))
            ids.setdefault(colour, number)
            claimants.setdefault(colour, []).append(entry["name"])
    return ids, {colour: tuple(names) for colour, names in claimants.items() if len(names) > 1}


def _choose_shown(entry: Mapping[str, Any], otherwise: Colour) -> Colour:
    colours = entry.get("colours") or (otherwise,)
    red, green, blue = colours[0]
    return int(red), int(green), int(blue)


def _invent_colour(number: int) -> Colour:
    """Return a colour for a class that has none: hues a golden section apart, so that neighbours in the table differ."""
    red, green, blue = colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.65, 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)
