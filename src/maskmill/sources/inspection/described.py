"""Classes and settings where annotations, or one mask file a class, describe the masks."""

from collections import Counter
from os.path import commonprefix
from typing import Any

from maskmill.labels.layers import BACKGROUND
from maskmill.sources.annotations import Annotation
from maskmill.sources.forms import FORMS
from maskmill.sources.inspection.findings import ClassEntry
from maskmill.sources.inspection.guesses import Guess
from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.patterns import SPLIT_NAMES
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree
from maskmill.terminal import console

_FORM_OF = {"coco": "coco", "rle": "rle", "wkt": "geotiff", "geojson": "geotiff", None: "layers"}


def guess_described(tree: FileTree, proposal: PairingProposal) -> tuple[list[Guess], tuple[ClassEntry, ...]]:
    """Choose the form and what goes with it, and the classes that the form finds named, background first.

    Raises:
        SourceError: the form refuses the files.
    """
    form = _FORM_OF[proposal.annotation_kind]
    reason = "; ".join(proposal.reasons[1:]) or proposal.reasons[0]
    if proposal.annotations:
        guesses = [
            Guess("source.form", form, reason),
            Guess("source.annotations", _find_pattern(proposal), "they describe the masks"),
        ]
    else:
        guesses = [Guess("source.form", form, "several mask files a picture"), Guess("source.masks", proposal.masks, reason)]
    settings: dict[str, Any] = {guess.setting.removeprefix("source."): guess.value for guess in guesses[1:]}
    with console.capture():  # the report says what is left out
        pairs = FORMS[form].find_samples(tree, Layout(images=proposal.images, missing="skip", **settings))
    annotations = [pair.mask for pair in pairs if isinstance(pair.mask, Annotation)]
    counts = Counter(part.label for annotation in annotations for part in annotation.layers)
    pictures = Counter(label for annotation in annotations for label in {part.label for part in annotation.layers})
    background = ClassEntry(BACKGROUND, 0, reason="what nothing covers", masks=len(pairs))
    entries = [
        ClassEntry(
            f"class_{label}" if label.isdigit() else label,
            number,
            source_ids=(label,) if label.isdigit() else (),
            masks=pictures[label],
            reason=f"{counts[label]} annotations in {pictures[label]} pictures",
        )
        for number, label in enumerate(sorted(set(counts) - {BACKGROUND}), start=1)
    ]
    return guesses, (background, *entries)


def _find_pattern(proposal: PairingProposal) -> str:
    """Return a pattern of the annotation files: {split} in place of the part's name, or a field in place of what differs."""
    paths = proposal.annotations
    if proposal.annotation_kind == "geojson" and proposal.masks:
        return proposal.masks
    if len(paths) == 1:
        return paths[0]
    for part in sorted(SPLIT_NAMES, key=len, reverse=True):
        start, found, end = paths[0].partition(part)
        if found and all(path.startswith(start) and path.endswith(end) for path in paths):
            return f"{start}{{split}}{end}"
    start = commonprefix(paths)  # noqa: RUF071  characters are meant, not folders
    end = commonprefix([path.removeprefix(start)[::-1] for path in paths])[::-1]  # noqa: RUF071
    return f"{start}{{table}}{end}"
