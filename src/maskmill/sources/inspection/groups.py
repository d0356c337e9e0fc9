"""Scenes: what several pictures have in common that makes them look alike."""

import re
from collections import Counter
from collections.abc import Sequence

from maskmill.sources.patterns import SPLIT_FIELD, Pattern

SCENE, FRAME = "scene", "frame"
_FEWEST_GROUPS = 3
_YEAR = re.compile(r"(19|20)\d\d")


def find_group(pattern: Pattern, paths: Sequence[str]) -> tuple[str, str, str] | None:
    """Return a group, the pattern's text in which its fields stand, and the reason; None where nothing is evident.

    Folders that several pictures share are scenes where their names are numbered or many; a prefix within file names is one
    where it holds a number of its own and frames are counted behind it.
    """
    matches = [fields for path in paths if (fields := pattern.match(path))]
    best = _find_prefix(pattern, matches)
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


def _find_prefix(pattern: Pattern, matches: Sequence[dict[str, str]]) -> tuple[str, str, str] | None:
    names = [fields.get("name", "") for fields in matches]
    for separator in "_-.":
        if not names or not all(separator in name[1:-1] for name in names):
            continue
        cut = [name.rpartition(separator) for name in names]
        scenes = [scene.casefold() for scene, _, _ in cut]
        counted = all(re.fullmatch(r"[A-Za-z]{0,3}\d+[A-Za-z]?", frame) for _, _, frame in cut)
        numbered = sum(bool(re.search(r"\d", scene)) and not _YEAR.fullmatch(scene) for scene in scenes)
        if counted and numbered > 0.9 * len(scenes) and _divides(scenes):
            text = pattern.text.replace("{name}", f"{{{SCENE}}}{separator}{{{FRAME}}}")
            reason = f"{len(names)} names have {len(set(scenes))} prefixes, e.g. {cut[0][0]!r}, with frames counted behind them"
            return f"{{{SCENE}}}", text, reason
    return None


def _divides(values: Sequence[str]) -> bool:
    """Tell whether values make several groups, most of them of more than one, none of nearly all."""
    counts = Counter(values)
    alone = sum(count == 1 for count in counts.values())
    return len(counts) >= _FEWEST_GROUPS and alone <= 0.5 * len(counts) and max(counts.values()) <= 0.8 * len(values)
