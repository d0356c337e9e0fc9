"""Scenes: what several pictures have in common that makes them look alike."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from maskmill.sources.patterns import SPLIT_FIELD, Pattern

SCENE, FRAME = "scene", "frame"
_FEWEST_GROUPS = 3
_YEAR = re.compile(r"(19|20)\d\d")
_COUNTED = re.compile(r"[A-Za-z]{0,3}\d+[A-Za-z]?")
_IN_BRACKETS = re.compile(r"(?P<scene>.*[^ _-])(?P<cut>[ _-]?[\[(])(?P<frame>[^\[(]*\d[^\[(]*[,;x_ -][^\[(]*\d[^\[(]*)")
_LETTERED = re.compile(
    r"(?P<scene>.*[^ _.-])(?P<cut>[ _.-](?:x|r|row|tile_?x|y|c|col)[_=-]?)(?P<frame>\d+[ _,.-]?(?:x|y|c|r|col|row)[_=-]?\d+)",
    re.IGNORECASE,
)
_STEPPED = re.compile(r"(?P<scene>.*[^ _.-])(?P<cut>[_-])(?P<frame>(?P<row>\d+)[_-](?P<column>\d+))")
_LEAST_STEP = 16


def find_group(pattern: Pattern, paths: Sequence[str]) -> tuple[str, str, str] | None:
    """Return a group, the pattern's text in which its fields stand, and the reason; None where nothing is evident.

    Folders that several pictures share are scenes where their names are numbered or many; a prefix within file names is one
    where it holds a number of its own and frames are counted behind it.
    """
    matches = [fields for path in paths if (fields := pattern.match(path))]
    best = _find_tiles(pattern, matches) or _find_prefix(pattern, matches) or _find_counted(pattern, matches)
    if best:
        return best
    for field in pattern.fields:
        values = [fields[field].casefold() for fields in matches]
        if field in (SPLIT_FIELD, "name", "part") or not _divides(values):
            continue
        if any(re.search(r"\d", value) for value in values) or len(set(values)) >= 8:
            reason = f"{len(matches)} pictures lie in {len(set(values))} folders, e.g. {min(fields[field] for fields in matches)!r}"
            return f"{{{field}}}", pattern.text, reason
    return None


def _find_tiles(pattern: Pattern, matches: Sequence[dict[str, str]]) -> tuple[str, str, str] | None:
    """Find slides cut into tiles: names that end with where a tile lies, as "[x=0,y=512]", "x0_y512", "r0_c1" or "0-512"."""
    names = [fields.get("name", "") for fields in matches]
    for expression in (_IN_BRACKETS, _LETTERED, _STEPPED):
        cut = [found for name in names if (found := expression.fullmatch(name))]
        if not names or len(cut) < len(names) or len({found["cut"].casefold() for found in cut}) > 1:
            continue
        scenes = [found["scene"].casefold() for found in cut]
        if not _divides(scenes) or (expression is _STEPPED and not _are_stepped(cut)):
            continue
        if expression is _STEPPED:  # a field reaches as far as it can: the column has to have one of its own
            between = {found["frame"][len(found["row"])] for found in cut}
            inner = f"{{row}}{between.pop()}{{{FRAME}}}" if len(between) == 1 else ""
        else:
            inner = f"{{{FRAME}}}"
        if inner:
            text = pattern.text.replace("{name}", f"{{{SCENE}}}{cut[0]['cut']}{inner}")
            reason = f"{len(names)} names are tiles of {len(set(scenes))} pictures, e.g. of {cut[0]['scene']!r}"
            return f"{{{SCENE}}}", text, reason
    return None


def _are_stepped(cut: Sequence[re.Match[str]]) -> bool:
    """Tell whether both numbers are multiples of a tile's side: coordinates, not counters."""
    sides = [[int(found[number]) for found in cut] for number in ("row", "column")]
    return all(math.gcd(*values) >= _LEAST_STEP and len(set(values)) > 1 for values in sides)


def _find_prefix(pattern: Pattern, matches: Sequence[dict[str, str]]) -> tuple[str, str, str] | None:
    names = [fields.get("name", "") for fields in matches]
    for separator in "_-.":
        if not names or not all(separator in name[1:-1] for name in names):
            continue
        cut = [name.rpartition(separator) for name in names]
        scenes = [scene.casefold() for scene, _, _ in cut]
        counted = all(_COUNTED.fullmatch(frame) for _, _, frame in cut)
        numbered = sum(bool(re.search(r"\d", scene)) and not _YEAR.fullmatch(scene) for scene in scenes)
        if counted and numbered > 0.9 * len(scenes) and _divides(scenes):
            text = pattern.text.replace("{name}", f"{{{SCENE}}}{separator}{{{FRAME}}}")
            reason = f"{len(names)} names have {len(set(scenes))} prefixes, e.g. {cut[0][0]!r}, with frames counted behind them"
            return f"{{{SCENE}}}", text, reason
    return None


def _find_counted(pattern: Pattern, matches: Sequence[dict[str, str]]) -> tuple[str, str, str] | None:
    """Find cases whose slices are counted by a field of their own: "{name}_slice_{part}"."""
    last = pattern.text.rpartition("/")[2]
    if not matches or "{name}" not in last or "{part}" not in last or last.index("{name}") > last.index("{part}"):
        return None
    scenes = [fields["name"].casefold() for fields in matches]
    numbered = all(re.search(r"\d", scene) and not _YEAR.fullmatch(scene) for scene in scenes)
    if not (numbered and _divides(scenes) and all(_COUNTED.fullmatch(fields["part"]) for fields in matches)):
        return None
    reason = f"{len(scenes)} pictures are counted parts of {len(set(scenes))} names, e.g. {min(scenes)!r}"
    return "{name}", pattern.text, reason


def _divides(values: Sequence[str]) -> bool:
    """Tell whether values make several groups, most of them of more than one, none of nearly all."""
    counts = Counter(values)
    alone = sum(count == 1 for count in counts.values())
    return len(counts) >= _FEWEST_GROUPS and alone <= 0.5 * len(counts) and max(counts.values()) <= 0.8 * len(values)
