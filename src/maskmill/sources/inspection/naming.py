"""Classes from what masks hold: which is background, which is void, and what to call those that no table names."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import PurePosixPath

from maskmill.sources.inspection.findings import ClassEntry, Colour
from maskmill.sources.inspection.matching import LITTLE, Item, Match, find_background, is_black, is_void_name, lacks_background

SLIP = 1e-5  # of all pixels: what no table names and is rarer than that is no class

VOC_BORDER = (224, 224, 192)  # PASCAL VOC paints what does not count so, around its objects

_COLOURS: dict[str, Colour] = {
    "black": (0, 0, 0), "dark grey": (64, 64, 64), "grey": (128, 128, 128), "light grey": (192, 192, 192),
    "white": (255, 255, 255),
    "red": (255, 0, 0), "dark red": (150, 0, 0), "maroon": (80, 0, 0), "coral": (255, 110, 90), "pink": (255, 170, 190),
    "rose": (195, 130, 130), "brown": (140, 80, 30), "orange": (255, 140, 0), "gold": (240, 195, 40), "yellow": (255, 255, 0),
    "beige": (235, 225, 185), "khaki": (190, 190, 125), "olive": (128, 128, 0), "dark olive": (66, 66, 5), "lime": (160, 255, 40),
    "green": (0, 200, 0), "dark green": (0, 100, 0), "light green": (140, 240, 140), "mint": (90, 255, 190),
    "teal": (0, 128, 128),
    "cyan": (0, 255, 255), "sky blue": (110, 190, 235), "steel blue": (70, 120, 180), "slate": (66, 66, 130),
    "azure": (0, 120, 255),
    "blue": (0, 0, 255), "navy": (0, 0, 128), "indigo": (70, 10, 140), "violet": (140, 50, 240), "purple": (128, 0, 128),
    "mauve": (130, 66, 130), "plum": (200, 130, 200), "magenta": (255, 0, 255), "crimson": (220, 20, 80),
}  # fmt: skip
_DULL = re.compile(
    r"""(gt|ground[-_ ]?truths?|segs?|targets?|imgs?|val|png|jpe?g|tif+|gif|bmp|binary|manual.*|output|raw|files?|all|new|\d.*
    |.*(mask|label|annot|segm|image|train|test|data|valid).*)""",
    re.IGNORECASE | re.VERBOSE,
)


def name_colour(colour: Colour) -> str:
    """Return what a person would call a colour."""
    return min(_COLOURS, key=lambda name: _measure_distance(_COLOURS[name], colour))


def name_object(names: Sequence[str]) -> str:
    """Return a name for the one thing that black and white masks show: their folder's, if it says something, else "object"."""
    folders = {PurePosixPath(name).parent.name for name in names}
    folder = folders.pop() if len(folders) == 1 else ""
    return folder.lower() if re.fullmatch(r"[A-Za-z][A-Za-z _-]{1,20}", folder) and not _DULL.fullmatch(folder) else "object"


def make_entries(
    items: Sequence[Item], match: Match | None, *, adopted: dict[Item, str], num_masks: int
) -> tuple[list[ClassEntry], list[str]]:
    """Turn what masks hold into classes.

    Args:
        items: the most frequent first.
        match: the class table that names them; None: none does.
        adopted: void names of single items from tables that do not fit otherwise.
        num_masks: how many masks were looked at.

    Returns:
        Entries with ids from 0, void last; and remarks for a person.
    """
    rows = match.rows if match else (None,) * len(items)
    entries: list[ClassEntry] = []
    voids: list[ClassEntry] = []
    remarks: list[str] = []
    has_palette = any(item.colour and len(set(item.colour)) > 1 for item in items)
    for place in _order(items, match):
        item, row = items[place], rows[place]
        entry = ClassEntry(
            name="",
            id=None,
            colours=(item.colour,) if item.colour and (has_palette or item.value is None) else (),
            source_ids=(item.value,) if item.value is not None else (),
            fraction=item.fraction,
            masks=item.masks,
        )
        if row and match:
            entry = replace(entry, name=row.name, reason=f"{item} is called {row.name} in {match.table.path}")
            (voids if is_void_name(row.name) else entries).append(entry)
        elif item in adopted:
            voids.append(replace(entry, name=adopted[item], reason=f"{item} is exactly the one that a table calls {adopted[item]}"))
        elif why := _find_void_reason(item, items, match, num_masks):
            voids.append(replace(entry, name="void", reason=why))
            remarks.append(f"{why}: void")
        else:
            name, why = _invent_name(item, items, match)
            entries.append(replace(entry, name=name, reason=why))
    if not entries:  # everything cannot be void
        entries, voids = [replace(voids[0], reason="the only thing in the masks")], voids[1:]
    numbered = [replace(entry, id=number) for number, entry in enumerate(_make_unique(entries))]
    return [*numbered, *_join_voids(voids, {entry.name for entry in numbered})], remarks


def _order(items: Sequence[Item], match: Match | None) -> list[int]:
    """Return the places of the items as their classes are numbered: by value, by the table's order, or background first."""
    if all(item.value is not None for item in items):
        return sorted(range(len(items)), key=lambda place: items[place].value or 0)
    ground = find_background(items)
    if match and not lacks_background(match, items):
        rows = list(match.table.rows)
        return sorted(range(len(items)), key=lambda place: (_find_row(rows, match.rows[place]), -items[place].fraction))
    return sorted(range(len(items)), key=lambda place: (place != ground, -items[place].fraction))


def _find_row(rows: list, row: object) -> int:
    return next((number for number, other in enumerate(rows) if other is row), len(rows))


def _find_void_reason(item: Item, items: Sequence[Item], match: Match | None, num_masks: int) -> str:
    """Return why an item that no table names should not count; nothing if it should."""
    if item.value in (255, 65535) and _is_apart(item.value, [other.value or 0 for other in items if other is not item]):
        return f"{item} is far above the other values, as the mark of what does not count"
    if match and item.fraction <= LITTLE and item.value != 0 and not lacks_background(match, items):
        return f"{item} is not in {match.table.path} and is {item.fraction:.2%} of the pixels, in {item.masks} of {num_masks} masks"
    if item.fraction < SLIP and len(items) > 2:
        return f"{item} is {item.fraction:.5%} of the pixels, a slip of the pen"
    if item.colour == VOC_BORDER and all(set(other.colour or ()) <= {0, 64, 128, 192} for other in items if other is not item):
        return f"{item} is the border of PASCAL VOC's colours"
    if (
        is_black(item.colour)
        and item.value is None
        and len(items) > 3
        and item.fraction <= LITTLE
        and item.masks <= 0.3 * num_masks
    ):
        return f"{item} (black) is {item.fraction:.2%} of the pixels, in {item.masks} of {num_masks} masks"
    return ""


def _is_apart(value: int, others: Sequence[int]) -> bool:
    """Tell whether a value is farther above all others than any two of them are from each other."""
    ordered = sorted(others)
    gaps = [high - low for low, high in pairwise(ordered)]
    return len(ordered) > 1 and value - ordered[-1] > max(1, *gaps)


def _invent_name(item: Item, items: Sequence[Item], match: Match | None) -> tuple[str, str]:
    where = f"in no row of {match.table.path}" if match else "no table names it"
    if item.value is not None:
        is_ground = item.value == 0 and item.fraction >= max(other.fraction for other in items)
        return (
            "background" if is_ground else f"class_{item.value}",
            f"value {item.value}, {item.fraction:.2%} of the pixels; {where}",
        )
    if item == items[find_background(items)] and (is_black(item.colour) or (match and lacks_background(match, items))):
        return "background", f"{'black' if is_black(item.colour) else item}, {item.fraction:.2%} of the pixels; {where}"
    return name_colour(item.colour or (0, 0, 0)), f"{item}, {item.fraction:.2%} of the pixels; {where}: called by its colour"


def _make_unique(entries: Sequence[ClassEntry]) -> list[ClassEntry]:
    names: list[str] = []
    for entry in entries:
        number = 2
        name = entry.name
        while name in names:
            name = f"{entry.name} {number}"
            number += 1
        names.append(name)
    return [replace(entry, name=name) for entry, name in zip(entries, names, strict=True)]


def _join_voids(voids: Sequence[ClassEntry], taken: set[str]) -> list[ClassEntry]:
    """Return the one void class that may be: with the name of the first that a table names, and all colours and values."""
    if not voids:
        return []
    named = sorted(voids, key=lambda entry: (entry.name == "void", -entry.fraction))
    name = named[0].name if named[0].name not in taken else "void"
    return [
        ClassEntry(
            name=name,
            id=None,
            colours=tuple(colour for entry in named for colour in entry.colours),
            source_ids=tuple(value for entry in named for value in entry.source_ids),
            void=True,
            fraction=sum(entry.fraction for entry in named),
            masks=max(entry.masks for entry in named),
            reason="; ".join(entry.reason for entry in named),
        )
    ]


def _measure_distance(first: Colour, second: Colour) -> float:
    """Return a distance that weighs channels as eyes do. Source: https://www.compuphase.com/cmetric.htm"""
    mean = (first[0] + second[0]) / 2
    red, green, blue = ((one - other) ** 2 for one, other in zip(first, second, strict=True))
    return (2 + mean / 256) * red + 4 * green + (2 + (255 - mean) / 256) * blue
