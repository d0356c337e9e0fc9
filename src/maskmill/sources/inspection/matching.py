"""Class tables checked against what masks really hold: which one fits, and which real colour or value each class is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import dist

from maskmill.sources.inspection.findings import Colour
from maskmill.sources.inspection.tables import FoundTable, TableRow

LITTLE = 0.02  # of all pixels: what is in no table, or black in few masks, is void up to here
NEARLY_BLACK = 8

CLEAN_REACH = 12.0  # RGB distance up to which a table's colour may be off, where masks are clean
NOISY_REACH = 40.0
VOID_NAMES = re.compile(
    r"""(un[-_ ]?label+ed|not[-_ ]?label+ed|no[-_ ]?label|void|ignored?([-_ ](label|region|area))?|unannotated
    |un[-_ ]?defined|do(n'?t|[ ]not)[-_ ]?care|un[-_ ]?classified|masked[-_ ]?out)""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Item:
    """One thing that masks hold: a value, a colour, or a value that a palette shows in a colour."""

    fraction: float
    masks: int
    border: float
    colour: Colour | None = None
    value: int | None = None

    def __str__(self) -> str:
        return str(self.value) if self.value is not None else "#{:02X}{:02X}{:02X}".format(*(self.colour or (0, 0, 0)))


@dataclass(frozen=True)
class Match:
    """How a class table fits the masks.

    Args:
        table: the table.
        rows: per item the class that it is; None: it is in no row.
        explained: the fraction of pixels whose items have a class.
        distance: the largest RGB distance between a row's colour and the real one.
        remark: what a person should know about the fit.
    """

    table: FoundTable
    rows: tuple[TableRow | None, ...]
    explained: float
    distance: float = 0.0
    remark: str = ""

    @property
    def named(self) -> int:
        """How many items have a class."""
        return sum(row is not None for row in self.rows)

    @property
    def absent(self) -> tuple[str, ...]:
        """Names of the table's classes that no mask holds."""
        used = [row for row in self.rows if row]
        return tuple(row.name for row in self.table.rows if row not in used)


def match_tables(tables: Sequence[FoundTable], items: Sequence[Item], reach: float) -> tuple[Match | None, list[Match]]:
    """Return the table that explains most of the masks' area, and the attempts with all others.

    Args:
        tables: those found.
        items: what the masks hold.
        reach: RGB distance up to which a colour of a table counts as a colour of the masks.
    """
    attempts = []
    for table in tables:
        matches = [*_match_colours(table, items, reach), *_match_values(table, items), *_match_places(table, items)]
        if matches:
            attempts.append(max(matches, key=_rank))
    attempts.sort(key=_rank, reverse=True)
    fitting = [match for match in attempts if _fits(match, items)]
    best = fitting[0] if fitting else None
    return best, [match for match in attempts if match is not best]


def is_void_name(name: str) -> bool:
    """Tell whether a class's name says clearly that its pixels do not count."""
    return bool(VOID_NAMES.fullmatch(name.strip()))


def _rank(match: Match) -> tuple[float, ...]:
    extra = len(match.absent)
    return (round(match.explained, 3), match.named, not match.table.is_list, -match.distance, -extra, -match.table.path.count("/"))


def find_background(items: Sequence[Item]) -> int:
    """Return the place of the background: black if it is common, else what lines the masks' borders most."""
    for place, item in enumerate(items):
        if is_black(item.colour) and item.fraction > LITTLE:
            return place
    return max(range(len(items)), key=lambda place: (items[place].border, items[place].fraction))


def is_black(colour: Colour | None) -> bool:
    """Tell whether a colour is black, or a few levels from it."""
    return colour is not None and max(colour) <= NEARLY_BLACK


def lacks_background(match: Match, items: Sequence[Item]) -> bool:
    """Tell whether a table describes, by colours, everything in the masks but their background."""
    unnamed = [place for place, row in enumerate(match.rows) if row is None]
    named = [(row, item) for row, item in zip(match.rows, items, strict=True) if row]
    by_colour = all(row.colour and item.colour and dist(row.colour, item.colour) <= NOISY_REACH for row, item in named)
    return unnamed == [find_background(items)] and bool(named) and by_colour and not match.absent


def _fits(match: Match, items: Sequence[Item]) -> bool:
    if lacks_background(match, items):
        return True
    telling = [
        place for place, item in enumerate(items) if item.fraction >= 0.001 and item.colour not in ((0, 0, 0), (255, 255, 255))
    ]
    named = sum(match.rows[place] is not None for place in telling)
    if match.named < 2 and not (match.named == 1 == len(telling) == named):
        return False
    return named >= 0.6 * len(telling) if telling else match.explained >= 0.5


def _match_colours(table: FoundTable, items: Sequence[Item], reach: float) -> list[Match]:
    """Pair rows and items by distance, one to one; with red and blue exchanged if the table fits only that way."""
    num_coloured = sum(row.colour is not None for row in table.rows)
    if num_coloured < min(2, len(table.rows)) or not all(item.colour for item in items):
        return []
    right = _pair_colours(table, items, reach, (0, 1, 2), "")
    turned = _pair_colours(table, items, reach, (2, 1, 0), "its colours are in the order blue, green, red")
    return [turned if turned.explained > right.explained + 0.2 and turned.named > right.named else right]


def _pair_colours(table: FoundTable, items: Sequence[Item], reach: float, order: tuple[int, int, int], remark: str) -> Match:
    pairs = []
    for place, item in enumerate(items):
        own_reach = reach if item.value is None or len(set(item.colour or ())) > 1 else 2.0  # greys that are ids may lie close
        for number, row in enumerate(table.rows):
            if row.colour and item.colour:
                distance = sum((row.colour[channel] - own) ** 2 for channel, own in zip(order, item.colour, strict=True)) ** 0.5
                if distance <= own_reach:
                    pairs.append((distance, place, number))
    rows: dict[int, TableRow] = {}
    taken: set[int] = set()
    largest = 0.0
    for distance, place, number in sorted(pairs):
        if place not in rows and number not in taken:
            rows[place] = table.rows[number]
            taken.add(number)
            largest = max(largest, distance)
    return _make_match(table, rows, items, largest, remark)


def _match_values(table: FoundTable, items: Sequence[Item]) -> list[Match]:
    """Look the items' values up in each column of numbers, or in the places of a plain list."""
    values = {item.value: place for place, item in enumerate(items) if item.value is not None}
    if not values or len(values) < len(items):
        return []
    matches = []
    for key in dict.fromkeys(key for row in table.rows for key, _ in row.values):
        by_value: dict[int, TableRow] = {}
        for row in table.rows:
            number = dict(row.values).get(key)
            if number is not None:
                by_value.setdefault(number, row)
        rows = {place: by_value[value] for value, place in values.items() if value in by_value}
        is_telling = len(values) > 4 or len(by_value) <= 4 * len(values) + 4  # any table has a 0 and a 1
        if rows and is_telling:
            matches.append(_make_match(table, rows, items, 0.0, f"by {key}"))
    return matches


def _match_places(table: FoundTable, items: Sequence[Item]) -> list[Match]:
    """Take the rows' places as values where their number fits: of a plain list exactly, from 0, or from 1 where 0 is background."""
    values = {item.value: place for place, item in enumerate(items) if item.value is not None}
    counted = [value for value in values if value not in (255, 65535)]
    highest = max(counted, default=-1)
    if len(values) < len(items) or any(row.values for row in table.rows):
        return []
    for first in (0, 1):
        missing = len(table.rows) - (highest - first + 1)
        fits = missing == 0 if table.is_list else missing >= 0 and first == 0 and len(counted) > 2
        if fits and len(counted) >= 0.6 * len(table.rows):
            rows = {values[value]: table.rows[value - first] for value in counted if value >= first}
            return [_make_match(table, rows, items, 0.0, f"its rows are taken in the order of the values, from {first}")]
    return []


def _make_match(table: FoundTable, rows: dict[int, TableRow], items: Sequence[Item], distance: float, remark: str) -> Match:
    explained = sum(item.fraction for place, item in enumerate(items) if place in rows)
    return Match(table, tuple(rows.get(place) for place in range(len(items))), explained, distance, remark)
