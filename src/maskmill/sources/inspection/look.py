"""What inspection finds in a folder or an archive: how its pictures and masks pair, what the masks hold, and how large all is."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskmill.errors import SourceError, summarise_problems
from maskmill.pictures import read_picture
from maskmill.sources.inspection.findings import MaskFindings, MaskReading
from maskmill.sources.inspection.masks import analyse_colour_arrays, analyse_masks
from maskmill.sources.inspection.pairing import propose_pairings
from maskmill.sources.inspection.proposals import PairingProposal, find_rivals
from maskmill.sources.inspection.sizes import PictureSizes, count_duplicates, read_sizes
from maskmill.sources.inspection.unsupported import name_unsupported
from maskmill.sources.pairing import FORM_NAMES
from maskmill.sources.tree import FileTree, read_tree
from maskmill.sources.unpack import unpack

MOST_COMPOSITES = 100
HARD, MARGIN = 0.5, 0.2  # likelihoods of readings: one up to that has others looked at; so far below the best none is considered
MOST_OTHERS = 5


@dataclass(frozen=True)
class Option:
    """One way to read the pairs, or the masks, that a person can choose by its name.

    Args:
        name: what to choose it by.
        what: one line.
    """

    name: str
    what: str


@dataclass(frozen=True)
class Question:
    """Two or more options that are about equally likely.

    Args:
        what: what they are ways of.
        options: the ways, each with a name of its own.
    """

    what: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Inspection:
    """What was found; where there is a question it is about the best guess, which a person should confirm or change.

    Args:
        proposal: how pictures and masks pair.
        findings: what the masks hold; None where annotations describe them.
        reading: the way to read the masks that was chosen; None likewise.
        sizes: what the pictures' headers say.
        num_duplicates: pictures whose files equal another's.
        others: proposals that were not chosen.
        questions: what a person should choose.
    """

    proposal: PairingProposal
    findings: MaskFindings | None
    reading: MaskReading | None
    sizes: PictureSizes
    num_duplicates: int
    others: tuple[PairingProposal, ...]
    questions: tuple[Question, ...]


@contextmanager
def open_tree(path: Path) -> Iterator[FileTree]:
    """Yield the files of a folder, or of an archive, which is unpacked for as long as the block lasts."""
    if path.is_dir():
        yield read_tree(path)
    elif path.is_file():
        with tempfile.TemporaryDirectory(prefix="maskmill-") as folder:
            yield read_tree(unpack(path, Path(folder) / "files"), str(path))
    else:
        raise SourceError(f"{path} does not exist", expected="a folder or an archive", fix="give its path")


def inspect_tree(tree: FileTree, picks: Sequence[str] = ()) -> Inspection:
    """Look at all file names and at some of the files.

    Args:
        tree: the files.
        picks: names of options that a person has chosen, letter case aside.

    Raises:
        SourceError: nothing here looks like pictures with masks, or a pick is no option.
    """
    wanted = {pick.casefold() for pick in picks}
    likely = _look_at_likely(tree, propose_pairings(tree), wanted)
    if not likely:
        raise _explain_nothing(tree)
    questions = []
    known = set()
    picked = [pair for pair in likely if pair[0].kind.casefold() in wanted]
    if len(likely) > 1:
        options = tuple(Option(proposal.kind, proposal.reasons[0]) for proposal, _ in likely)
        known |= {option.name.casefold() for option in options}
        questions += [Question("which masks are meant", options)] if not picked else []
    proposal, findings = (picked or likely)[0]
    reading = findings.best if findings else None
    if findings and len(findings.readings) > 1:
        known |= {other.kind for other in findings.readings}
        reading = next((other for other in findings.readings if other.kind in wanted), None)
        if reading is None:
            reading = findings.best
            questions += [_ask_reading(findings)] if findings.is_ambiguous else []
    _refuse_unknown(picks, known | {other.kind.casefold() for other in propose_pairings(tree)} if wanted - known else known)
    are_pictures = proposal.layout != "annotations"
    pairs = [
        (tree.root / sample.image, tree.root / sample.masks[0] if are_pictures and sample.masks else None)
        for sample in proposal.samples
    ]
    return Inspection(
        proposal=proposal,
        findings=findings,
        reading=reading,
        sizes=read_sizes(pairs, is_composite=proposal.layout == "composite"),
        num_duplicates=count_duplicates([image for image, _ in pairs]),
        others=tuple(other for other, _ in likely if other is not proposal),
        questions=tuple(questions),
    )


def _look_at_likely(
    tree: FileTree, proposals: list[PairingProposal], wanted: set[str]
) -> list[tuple[PairingProposal, MaskFindings | None]]:
    """Return the likeliest proposals whose masks tell something apart; where those are hard to read, others that are easy."""
    chosen = _choose_likely(proposals, wanted)
    found = [(proposal, _look_at_masks(tree, proposal)) for proposal in chosen]
    if not wanted and max((_rate(findings) for _, findings in found), default=0.0) <= HARD:
        rest = [proposal for proposal in proposals if proposal not in chosen][:MOST_OTHERS]
        found += [(proposal, _look_at_masks(tree, proposal)) for proposal in rest]
    best = max((_rate(findings) for _, findings in found), default=0.0)
    return [(proposal, findings) for proposal, findings in found if 0 < _rate(findings) > best - MARGIN]


def _rate(findings: MaskFindings | None) -> float:
    """Return how likely masks are what they are read as; 0 where they tell nothing apart. Annotations are what they say."""
    if findings is None:
        return 1.0
    return findings.best.likelihood if _has_classes(findings.best) else 0.0


def _choose_likely(proposals: list[PairingProposal], wanted: set[str]) -> list[PairingProposal]:
    """Return the proposal that a person picked, else the best and its rivals."""
    picked = [proposal for proposal in proposals if proposal.kind.casefold() in wanted]
    return picked[:1] or (find_rivals(proposals) if proposals else [])


def _look_at_masks(tree: FileTree, proposal: PairingProposal) -> MaskFindings | None:
    if proposal.layout == "annotations":
        return None
    if proposal.layout == "composite":
        files = [sample.image for sample in proposal.samples]
        step = max(1, len(files) // MOST_COMPOSITES)
        halves = (_cut_mask(tree.root / path, proposal) for path in files[::step])
        return analyse_colour_arrays(halves, tree=tree, names=files, given=len(files))
    masks = sorted({mask for sample in proposal.samples for mask in sample.masks})
    return analyse_masks([tree.root / mask for mask in masks], tree=tree)


def _cut_mask(path: Path, proposal: PairingProposal) -> NDArray[np.uint8]:
    composite = read_picture(path)
    middle = composite.shape[1] // 2
    return composite[:, middle:] if proposal.image_side == "left" else composite[:, :middle]


def _has_classes(reading: MaskReading) -> bool:
    """Tell whether masks read this way tell something apart: two classes, or one and void."""
    return reading.kind != "photo" and sum(entry.fraction > 0 for entry in reading.classes) > 1


def _ask_reading(findings: MaskFindings) -> Question:
    close = [other for other in findings.readings if findings.best.likelihood - other.likelihood < 0.2]
    return Question("what the masks' values are", tuple(Option(other.kind, other.reasons[0]) for other in close))


def _refuse_unknown(picks: Sequence[str], known: set[str]) -> None:
    strange = [pick for pick in picks if pick.casefold() not in known]
    if strange:
        raise SourceError(
            f"{', '.join(strange)} is no option here",
            expected=", ".join(sorted(known)) or "nothing to choose: there is one reading",
            fix="take a name that maskmill inspect shows",
        )


def _explain_nothing(tree: FileTree) -> SourceError:
    kinds: dict[str, int] = {}
    for path in tree.files:
        suffix = Path(path).suffix.lower() or "no suffix"
        kinds[suffix] = kinds.get(suffix, 0) + 1
    unsupported = name_unsupported(tree)
    seen = ", ".join(f"{count} {suffix}" for suffix, count in sorted(kinds.items(), key=lambda item: -item[1])[:8])
    return SourceError(
        f"nothing below {tree.name} looks like pictures with masks; seen: {len(tree.files)} files ({seen}), some of them:\n"
        f"{summarise_problems(tree.choose_examples())}" + (f"\n{unsupported}" if unsupported else ""),
        expected=f"one of the forms {FORM_NAMES}",
        fix="see docs/data.md for what each form needs, and write source and classes in params.yaml by hand",
    )
