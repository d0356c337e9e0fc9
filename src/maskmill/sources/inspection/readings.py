"""The ways in which a set of masks may be read, ranked, with the classes that each gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from maskmill.sources.inspection.conventions import read_packed, read_trimap
from maskmill.sources.inspection.findings import ClassEntry, Colour, MaskReading
from maskmill.sources.inspection.ids import IdStatistics
from maskmill.sources.inspection.matching import CLEAN_REACH, NOISY_REACH, Item, Match, is_void_name, lacks_background, match_tables
from maskmill.sources.inspection.naming import make_entries, name_object
from maskmill.sources.inspection.palette import Palette, find_number_channel
from maskmill.sources.inspection.tables import FoundTable

MOST_VALUES = 255  # classes
GREY = 12  # levels that the channels of a grey may differ after JPEG
INVERTED = 0.7  # of the pixels are white, and nearly all of the border: the object is dark


@dataclass(frozen=True)
class Hints:
    """What is known beside the masks: class tables found near them, and the masks' paths."""

    tables: Sequence[FoundTable]
    names: Sequence[str]


def read_ids(statistics: IdStatistics, shown: Mapping[int, Colour], hints: Hints) -> tuple[list[MaskReading], list[str]]:
    """Read masks of clean values: ids, two values, a trimap, or numbers of things.

    Args:
        statistics: the masks' values.
        shown: the colour of each value in the masks' common palette; empty for grey masks.
        hints: tables and names.
    """
    items = _list_values(statistics, shown)
    values = statistics.values
    if statistics.counts_instances:
        return _read_instances(statistics, items, hints)
    if len(values) == 2 and not any(shown.values()):
        return [_read_two(items, hints, exact=True)], []
    if ranges := read_packed(statistics):
        return [ranges], []
    entries, notes, match = _make_classes(items, hints, CLEAN_REACH, statistics.num_masks)
    reasons = [f"{len(values)} values fill areas: {_list_briefly(values)}"]
    if shown:
        reasons.append("all masks share one palette, whose indices are the ids")
    if match:
        reasons.append(f"{match.table.path} names {match.named} of them")
    reading = MaskReading("ids", "index", tuple(entries), 0.9, tuple(reasons), table=match.table.path if match else None)
    trimap = read_trimap(statistics, hints.names)
    if trimap and not match:
        return sorted([trimap, replace(reading, likelihood=0.45)], key=lambda other: -other.likelihood), notes
    if len(values) == 1:
        notes.append(f"every mask holds nothing but {values[0]}")
    return [reading], notes


def read_colours(palette: Palette, hints: Hints, num_masks: int) -> tuple[list[MaskReading], list[str]]:
    """Read masks that are painted in colours or noisy greys; those that are not painted are photos."""
    if not palette.is_painted:
        reason = f"{palette.num_distinct} colours without sharp peaks: no mask"
        return [MaskReading("photo", "", (), 0.9, (reason,), tolerance=palette.tolerance, unmatched=palette.unmatched)], []
    items = _list_colours(palette)
    noise = "all exact" if palette.is_clean else f"noise around them reaches {palette.tolerance:.0f} levels"
    reasons = [f"{len(items)} colours, {noise}: {_list_briefly(items)}"]
    channel = find_number_channel(palette)
    if channel is not None and not match_tables(hints.tables, items, 0.5)[0]:
        return _read_numbers(palette, channel, items, hints, num_masks)
    if _are_instances(palette, num_masks):
        return [_read_coloured_instances(palette, num_masks)], []
    if len(items) == 2 and all(_is_grey(item.colour) for item in items):
        return [_read_two(items, hints, exact=False)], []
    entries, notes, match = _make_classes(items, hints, CLEAN_REACH if palette.is_clean else NOISY_REACH, num_masks)
    if match:
        reasons.append(f"{match.table.path} names {match.named} of them, up to {match.distance:.0f} levels off")
    if palette.strays:
        notes.append(
            f"{len(palette.strays)} colours of a few pixels are slips: {_list_briefly([stray[0] for stray in palette.strays])}"
        )
    reading = MaskReading(
        "colours",
        "folders",
        tuple(entries),
        0.9,
        tuple(reasons),
        tolerance=palette.tolerance,
        unmatched=palette.unmatched,
        table=match.table.path if match else None,
    )
    return [reading], notes


def _list_values(statistics: IdStatistics, shown: Mapping[int, Colour]) -> list[Item]:
    rim = max(1, sum(statistics.border.values()))
    items = [
        Item(
            pixels / statistics.total,
            statistics.masks[value],
            statistics.border.get(value, 0) / rim,
            shown.get(value) or _show(value),
            value,
        )
        for value, pixels in statistics.pixels.items()
    ]
    return sorted(items, key=lambda item: (-item.fraction, item.value))


def _show(value: int) -> Colour | None:
    """Return the grey that a value is seen as, by which a table of colours may name it."""
    return (value, value, value) if 0 <= value <= 255 else None


def _list_colours(palette: Palette) -> list[Item]:
    return [
        Item(float(fraction), int(masks), float(border), colour)
        for colour, fraction, masks, border in zip(palette.colours, palette.fractions, palette.masks, palette.border, strict=True)
    ]


def _make_classes(
    items: Sequence[Item], hints: Hints, reach: float, num_masks: int
) -> tuple[list[ClassEntry], list[str], Match | None]:
    """Name the items by the best table; say what the others lack, and which classes of the table no mask holds."""
    match, others = match_tables(hints.tables, items, reach)
    adopted: dict[Item, str] = {}
    notes = []
    for other in others:
        if match is None and not other.table.is_list and len(other.table.rows) > 1:
            kept = _adopt_void(other, items)
            adopted |= kept
            but = f"; but {', '.join(f'{item} is exactly its {name}' for item, name in kept.items())}" if kept else ""
            found = f"{other.named} of {len(items)} are in it, {other.explained:.1%} of the pixels"
            notes.append(f"{other.table.path} does not fit: {found}{but}")
    tried = {other.table.path for other in others} | ({match.table.path} if match else set())
    untried = [table for table in hints.tables if table.path not in tried and not table.is_list and len(table.rows) > 1]
    unused = dict.fromkeys(table.path for table in untried)
    notes += [f"{path} does not fit: nothing in it occurs in the masks" for path in unused]
    if match and match.absent:
        notes.append(f"{match.table.path}: {', '.join(match.absent)} in no mask looked at, left out")
    if match and match.remark:
        notes.append(f"{match.table.path}: {match.remark}")
    entries, remarks = make_entries(items, match, adopted=adopted, num_masks=num_masks)
    return entries, notes + remarks, match


def _adopt_void(match: Match, items: Sequence[Item]) -> dict[Item, str]:
    """Return the items that a table which does not fit otherwise names exactly, with a colour that is no chance, as void."""
    pairs = zip(items, match.rows, strict=True)
    return {
        item: row.name
        for item, row in pairs
        if row and item.colour and row.colour == item.colour and is_void_name(row.name) and not set(item.colour) <= {0, 128, 255}
    }


def _read_two(items: Sequence[Item], hints: Hints, *, exact: bool) -> MaskReading:
    """Read black-and-white masks: by their two values, or by a threshold between their two peaks."""
    dark, bright = sorted(items, key=lambda item: item.value if item.value is not None else sum(item.colour or ()))
    inverted = bright.fraction >= INVERTED and bright.border >= 0.9
    ground, thing = (bright, dark) if inverted else (dark, bright)
    reasons = [f"two {'values' if exact else 'peaks of grey with noise around them'}: {_call(dark)} and {_call(bright)}"]
    if inverted:
        reasons.append(f"{_call(bright)} is {bright.fraction:.0%} of the pixels and lines the borders: the object is dark")
    threshold = None if exact else (max(dark.colour or (0,)) + max(bright.colour or (0,))) // 2
    match = match_tables(hints.tables, (ground, thing), CLEAN_REACH if exact else NOISY_REACH)[0]
    is_named = match is not None and (match.named == 2 or (match.rows[0] is None and lacks_background(match, (ground, thing))))
    rows = match.rows if match and is_named else (None, None)
    names = rows[0].name if rows[0] else "background", rows[1].name if rows[1] else name_object(hints.names)
    entries = []
    for number, (name, item) in enumerate(zip(names, (ground, thing), strict=True)):
        source = item.value if exact else int(item is bright)
        sources = () if not exact and not inverted else (source,) if source is not None else ()
        colours = (item.colour,) if item.colour and item.value is None and exact else ()
        entries.append(
            ClassEntry(name, number, colours, sources, False, item.fraction, item.masks, f"{_call(item)}, {item.fraction:.2%}")
        )
    table = match.table.path if match and is_named else None
    if table:
        reasons.append(f"{table} names them")
    if threshold is not None:
        reasons.append(f"{threshold} lies half-way between them")
    return MaskReading("binary", "index" if exact else "suffix", tuple(entries), 0.9, tuple(reasons), threshold, table=table)


def _call(item: Item) -> str:
    return str(item.value if item.value is not None else max(item.colour or (0,)))


def _read_instances(statistics: IdStatistics, items: Sequence[Item], hints: Hints) -> tuple[list[MaskReading], list[str]]:
    most = max(statistics.counted)
    reason = f"values number the things in each mask, 1 to {most}, each in one piece"
    ground = statistics.pixels.get(0, 0) / statistics.total
    masks = statistics.masks.get(0, 0)
    entries = (
        ClassEntry("background", 0, (), (0,), False, ground, masks, "value 0"),
        ClassEntry(name_object(hints.names), 1, (), ("> 0",), False, 1 - ground, statistics.num_masks, reason),
    )
    readings = [MaskReading("instances", "index", entries, 0.9 if most > 12 else 0.6, (reason,))]
    if most <= 12:
        classes, _, match = _make_classes(items, hints, CLEAN_REACH, statistics.num_masks)
        weight = 0.95 if match else 0.4
        readings.append(MaskReading("ids", "index", tuple(classes), weight, (f"{len(items)} small values may be classes",)))
    return sorted(readings, key=lambda reading: -reading.likelihood), []


def _read_numbers(
    palette: Palette, channel: int, items: Sequence[Item], hints: Hints, num_masks: int
) -> tuple[list[MaskReading], list[str]]:
    """Read small numbers in colour channels: classes in one of them, whatever the others count; painted masks are better."""
    groups: dict[int, list[Item]] = {}
    for item in items:
        groups.setdefault((item.colour or (0, 0, 0))[channel], []).append(item)
    merged = [
        Item(
            sum(item.fraction for item in group),
            max(item.masks for item in group),
            sum(item.border for item in group),
            value=value,
        )
        for value, group in groups.items()
    ]
    entries, notes, match = _make_classes(merged, hints, CLEAN_REACH, num_masks)
    colours = [*palette.colours, *(colour for colour, _ in palette.strays)]
    entries = [
        replace(entry, source_ids=(), colours=tuple(colour for colour in colours if colour[channel] in entry.source_ids))
        for entry in entries
    ]
    where = ("red", "green", "blue")[channel]
    reasons = (f"{len(items)} colours next to black are numbers, not paint: {where} is taken for the class",)
    varying = sum(len({colour[other] for colour in palette.colours}) > 1 for other in range(3))
    if varying > 1:
        notes.append(f"{reasons[0]}, the other channels for numbers of things; masks that hold further numbers would not fit")
    table = match.table.path if match else None
    return [MaskReading("colours", "folders", tuple(entries), 0.3 if varying > 1 else 0.5, reasons, table=table)], notes


def _are_instances(palette: Palette, num_masks: int) -> bool:
    """Tell colours that tell things apart, new ones in every mask, from colours of classes."""
    rare = sum(int(masks) <= max(1, 0.1 * num_masks) for masks in palette.masks)
    return palette.is_clean and num_masks > 2 and len(palette.colours) > 40 and rare > 0.8 * len(palette.colours)


def _read_coloured_instances(palette: Palette, num_masks: int) -> MaskReading:
    """Read things that each have a colour of their own: the ground lines the borders of all masks, and must be black or white."""
    place = int(palette.border.argmax())
    ground, fraction = palette.colours[place], float(palette.fractions[place])
    brightest = max(max(colour) for colour in palette.colours if colour != ground)
    is_white = ground == (255, 255, 255) and brightest < 255  # a threshold looks at the brightest channel
    reason = f"{len(palette.colours)} colours, most in one mask only: each is one thing"
    if palette.masks[place] < 0.9 * num_masks or not (is_white or ground == (0, 0, 0)):
        why = f"no threshold tells them from {_list_briefly([ground])}, the commonest at the borders"
        return MaskReading("photo", "", (), 0.9, (f"{reason}, and {why}: this cannot be read",))
    name = "white" if is_white else "black"
    entries = (
        ClassEntry("background", 0, (), (1,) if is_white else (), False, fraction, int(palette.masks[place]), name),
        ClassEntry("object", 1, (), (0,) if is_white else (), False, 1 - fraction, num_masks, "every other colour"),
    )
    reasons = (f"{reason}; what is not {name} counts",)
    return MaskReading("instances", "suffix", entries, 0.7, reasons, threshold=254 if is_white else 0)


def _is_grey(colour: Colour | None) -> bool:
    return colour is not None and max(colour) - min(colour) <= GREY


def _list_briefly(values: Sequence[object], most: int = 12) -> str:
    texts = ["#{:02X}{:02X}{:02X}".format(*value) if isinstance(value, tuple) else str(value) for value in values[:most]]
    return ", ".join(texts) + (f" and {len(values) - most} more" if len(values) > most else "")
