"""Ids by conventions of published sets: trimaps, and class * 1000 + number."""

from collections.abc import Sequence

from maskmill.sources.inspection.findings import ClassEntry, MaskReading
from maskmill.sources.inspection.ids import IdStatistics


def read_packed(statistics: IdStatistics) -> MaskReading | None:
    """Read class * 1000 + number, as Cityscapes' instance ids have it."""
    large = [value for value in statistics.values if value >= 1000]
    groups = sorted({value // 1000 for value in large})
    if (
        not large
        or len(groups) > 64
        or max(large) > 65535
        or max((value for value in statistics.values if value < 1000), default=0) > 64
    ):
        return None
    small = [value for value in statistics.values if value < 1000]
    entries: list[ClassEntry] = []
    for group in sorted({*groups, *small}):
        sources: list[int | str] = [group] if group in small else []
        sources += [f"{group * 1000}-{group * 1000 + 999}"] if group in groups else []
        pixels = sum(
            count for value, count in statistics.pixels.items() if group in (value if value < 1000 else -1, value // 1000 or -1)
        )
        name = "background" if group == 0 else f"class_{group}"
        entries.append(
            ClassEntry(name, len(entries), (), tuple(sources), False, pixels / statistics.total, 0, f"{group} and {group}xxx")
        )
    return MaskReading("ids", "index", tuple(entries), 0.9, ("values are class * 1000 + number of the thing",))


def read_trimap(statistics: IdStatistics, names: Sequence[str]) -> MaskReading | None:
    """Read 1 pet, 2 background, 3 border: where the border lies between the two, or the names say so."""
    if statistics.values != [1, 2, 3]:
        return None
    between = statistics.touching.get((1, 3), 0) + statistics.touching.get((2, 3), 0)
    is_border = between > 0 and statistics.touching.get((1, 2), 0) <= 0.1 * between
    is_called = any("trimap" in name.lower() for name in names)
    if not is_border and not is_called:
        return None
    reason = "the files are called trimaps" if is_called else "3 lies between 1 and 2, which do not touch"
    share = {value: count / statistics.total for value, count in statistics.pixels.items()}
    entries = (
        ClassEntry("background", 0, (), (), False, share[2], statistics.masks[2], "value 2"),
        ClassEntry("pet", 1, (), (), False, share[1], statistics.masks[1], "value 1"),
        ClassEntry("border", None, (), (), True, share[3], statistics.masks[3], "value 3, the border between them"),
    )
    return MaskReading("trimap", "trimap", entries, 0.95 if is_called else 0.8, (f"values 1, 2, 3, and {reason}",))
