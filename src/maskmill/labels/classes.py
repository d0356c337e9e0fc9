"""The class table: which colours or source ids of a mask mean which class."""

import colorsys
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from maskmill.errors import DataError, ParamsError, summarise_problems
from maskmill.labels.colours import EXACT, MAX_COLOURS, UNMATCHED, WHITE, match_colours
from maskmill.outputs import new_file

VOID = 255
VOID_BIT = 1 << 15  # of overlapping classes, which have a bit each
MAX_SOURCE_ID = 2**31 - 1
_ABOVE, _BETWEEN = re.compile(r"\s*>\s*(\d+)\s*"), re.compile(r"\s*(\d+)\s*-\s*(\d+)\s*")

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
        source_ranges: (lowest, highest, id) of the values in index masks, ascending, none in two of them.
        label_ids: the id of each label that occurs in annotations.
        shared: each colour that several classes claim, and their names; the first one gets its pixels.
    """

    names: tuple[str, ...]
    shown: tuple[Colour, ...]
    void_name: str | None
    void_shown: Colour
    colour_ids: Mapping[Colour, int]
    source_ranges: tuple[tuple[int, int, int], ...]
    label_ids: Mapping[str, int]
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


def void_of(mask_type: DTypeLike) -> int:
    """Return what a void pixel holds in a label mask of ids (uint8) or of bits (uint16)."""
    return VOID_BIT if np.dtype(mask_type) == np.uint16 else VOID


def find_void(label_mask: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Tell which pixels of a label mask of ids (uint8) or bits (uint16) are void; a void pixel's other bits do not count."""
    return (label_mask & VOID_BIT) != 0 if label_mask.dtype == np.uint16 else label_mask == VOID


def build_class_table(classes: Iterable[Mapping[str, Any]]) -> ClassTable:
    """Build the class table from the `classes` section of params.yaml.

    Args:
        classes: mappings of `name`, `id`, and optionally `colours` (RGB triples, the first one is shown), `source_ids` (values and
            ranges of values in index masks, "> 0" or "10-19", and labels in annotations; its own id and name when empty) and `void`
            (at most one class; it needs no id).

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
        shown=tuple(_choose_shown(entry, _invent_colour(number, entry["name"])) for number, entry in enumerate(ordered)),
        void_name=voids[0]["name"] if voids else None,
        void_shown=_choose_shown(voids[0], WHITE) if voids else WHITE,
        colour_ids=colour_ids,
        source_ranges=tuple(sorted((*limits, number) for number, entry in numbered for limits in _list_ranges(entry, number))),
        label_ids=_assign_labels(numbered),
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
    ids = np.full(256, VOID, np.uint8)
    ids[: len(colours)] = list(table.colour_ids.values())
    indices, matches = match_colours(colour_mask, colours, tolerance)
    return np.asarray(cv2.LUT(indices, ids), np.uint8), matches  # np.take would turn the indices into 64 bits each


def map_ids(raw_ids: NDArray[np.integer], table: ClassTable) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Turn a mask of source ids into class ids.

    Args:
        raw_ids: integers (H, W).
        table: the classes.

    Returns:
        uint8 (H, W) ids, 255 = void and also values that are in no class; and uint8 (H, W): 0 exact, 2 unmatched.
    """
    lowest, highest, ids = (np.array(column) for column in zip(*table.source_ranges, strict=True))
    values = np.arange(np.iinfo(raw_ids.dtype).max + 1) if raw_ids.dtype in (np.uint8, np.uint16) else raw_ids
    places = np.searchsorted(lowest, values, side="right") - 1  # -1 below all ranges, where the last one does not reach either
    inside = (values >= lowest[places]) & (values <= highest[places])
    found = np.where(inside, ids[places], VOID).astype(np.uint8), np.where(inside, EXACT, UNMATCHED).astype(np.uint8)
    return found if values is raw_ids else (np.take(found[0], raw_ids), np.take(found[1], raw_ids))


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
    for entry in entries:
        problems += [
            f"class {entry['name']} has colour {list(colour)}: a colour is three integers from 0 to 255"
            for colour in entry.get("colours") or ()
            if len(colour) != 3 or not all(_is_integer_to(255, part) for part in colour)
        ]
        problems += [
            f"class {entry['name']} has source id {value}: an integer from 0 to {MAX_SOURCE_ID}, a range or a label is expected"
            for value in entry.get("source_ids") or ()
            if not (isinstance(value, str) and value.strip()) and not _is_integer_to(MAX_SOURCE_ID, value)
        ]
    problems += _find_claims(entries) if not problems else []
    distinct = {tuple(colour) for entry in entries for colour in entry.get("colours") or ()}
    if len(distinct) > MAX_COLOURS:
        problems.append(f"there are {len(distinct)} colours: at most {MAX_COLOURS} fit")
    return problems


def _find_claims(entries: list[dict[str, Any]]) -> list[str]:
    """Say of the source ids and labels that two classes claim, and of ranges that run backwards."""
    problems = []
    claims: list[tuple[int, int, str]] = []
    owners: dict[str, str] = {}
    for entry in entries:
        name = entry["name"]
        number = VOID if entry.get("void") else entry.get("id")
        for value in entry.get("source_ids") or ():
            if isinstance(value, str) and owners.setdefault(value, name) != name:
                problems.append(f"label {value} belongs to {owners[value]} and to {name}: give it to one of them")
        for low, high in _list_ranges(entry, number):
            if low > high:
                problems.append(f"class {name} has source ids {low}-{high}: the lower one comes first")
            problems += [
                f"source id {max(low, first)} belongs to {owner} and to {name}: give it to one of them"
                for first, last, owner in claims
                if owner != name and low <= last and first <= high
            ]
            claims.append((low, high, name))
    return problems


def _list_ranges(entry: Mapping[str, Any], number: int | None) -> list[tuple[int, int]]:
    """Return (lowest, highest) of a class's values in index masks; labels of annotations are none."""
    given = entry.get("source_ids") or (() if number is None else (number,))
    ranges = [(int(value), int(value)) for value in given if not isinstance(value, str)]
    for text in (value for value in given if isinstance(value, str)):
        if found := _ABOVE.fullmatch(text):
            ranges.append((int(found[1]) + 1, MAX_SOURCE_ID))
        elif found := _BETWEEN.fullmatch(text):
            ranges.append((int(found[1]), int(found[2])))
        elif text.strip().isdigit():
            ranges.append((int(text), int(text)))
    return ranges


def _assign_labels(numbered: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[str, int]:
    """Give each label of annotations its id: the source ids as text, then the names (and ids) that no other class has taken."""
    numbered = list(numbered)
    labels = {str(value): number for number, entry in numbered for value in entry.get("source_ids") or ()}
    for number, entry in numbered:
        labels.setdefault(entry["name"], number)
        if not entry.get("source_ids"):
            labels.setdefault(str(number), number)
    return labels


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


def _invent_colour(number: int, name: str) -> Colour:
    """Return a colour for a class that has none: hues a golden section apart, so that neighbours differ; dark for background."""
    if name == "background":
        return 48, 48, 48
    red, green, blue = colorsys.hsv_to_rgb(number * 0.618034 % 1, 0.65, 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)
