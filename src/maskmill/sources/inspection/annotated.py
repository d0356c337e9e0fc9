"""Settings for pictures whose masks a file describes: COCO JSON, a CSV of run lengths, WKT or GeoJSON."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from maskmill.sources.inspection.findings import ClassEntry
from maskmill.sources.inspection.guesses import Guess
from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.tree import FileTree

BACKGROUND = ClassEntry("background", 0, reason="what nothing covers")
DEFAULT_LABEL = "object"  # as the forms label rows that have no label


def guess_annotated(tree: FileTree, proposal: PairingProposal) -> tuple[list[Guess], tuple[ClassEntry, ...]]:
    """Choose the form and what goes with it, and the classes that the annotations name, background first.

    Raises:
        SourceError: the form refuses the files.
    """
    form = {"coco": "coco", "rle": "rle", "wkt": "geotiff", "geojson": "geotiff"}[str(proposal.annotation_kind)]
    guesses = [
        Guess("source.form", form, f"{proposal.annotations[0]} describes the masks"),
        Guess("source.annotations", _find_pattern(proposal.annotations), "; ".join(proposal.reasons[1:]) or proposal.reasons[0]),
    ]
    readers: dict[str, Callable[[Path], Counter[str]]] = {"coco": _count_categories, "rle": _count_rows}
    counts = Counter[str]()
    for path in proposal.annotations:
        counts.update(readers.get(str(proposal.annotation_kind), _count_nothing)(tree.root / path))
    labels = sorted(counts) or [DEFAULT_LABEL]
    total = max(1, sum(counts.values()))
    entries = [
        ClassEntry(
            _name(label),
            number,
            source_ids=(label,) if _name(label) != label else (),
            masks=counts[label],
            fraction=counts[label] / total,
        )
        for number, label in enumerate(labels, start=1)
        if label != BACKGROUND.name
    ]
    return guesses, (BACKGROUND, *entries)


def _count_categories(path: Path) -> Counter[str]:
    """Count the annotations of each category of a COCO file."""
    described = json.loads(path.read_text(encoding="utf-8-sig"))
    names = {category["id"]: str(category["name"]) for category in described.get("categories", ())}
    counts = Counter(dict.fromkeys(names.values(), 0))
    counts.update(names[entry["category_id"]] for entry in described["annotations"] if entry["category_id"] in names)
    return counts


def _count_rows(path: Path) -> Counter[str]:
    """Count the rows of each label of a table of run lengths."""
    from maskmill.sources.rle import read_rows

    rows: pd.DataFrame = read_rows(path)
    return Counter(rows.loc[rows["runs"] != "", "label"])


def _count_nothing(path: Path) -> Counter[str]:
    return Counter()


def _name(label: str) -> str:
    return f"class_{label}" if label.isdigit() else label


def _find_pattern(paths: Sequence[str]) -> str:
    """Return a pattern of the annotation files: their path, with {split} in place of the part's name where there are several."""
    if len(paths) == 1:
        return paths[0]
    for part in ("train", "val", "test", "valid", "training", "validation"):
        if part in paths[0] and all(path.startswith(paths[0].partition(part)[0]) for path in paths):
            start, _, end = paths[0].partition(part)
            return f"{start}{{split}}{end}"
    return paths[0]
