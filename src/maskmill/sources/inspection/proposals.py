"""What inspection proposes: a way to read a folder as pictures and masks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from maskmill.sources.patterns import Split

Layout = Literal["composite", "separate", "layers", "annotations"]
SplitSource = Literal["folders", "names", "lists"]
RIVAL_MARGIN = 0.05
MOST_RIVALS = 6


@dataclass(frozen=True)
class Sample:
    """One picture and what belongs to it; all paths are relative to the tree that was inspected.

    Args:
        image: the picture.
        masks: its mask files: the picture itself in a composite, one in separate, one or more in layers, none in annotations.
        split: "train", "val", "test", or "" where the source says nothing.
    """

    image: str
    masks: tuple[str, ...]
    split: str = ""


@dataclass(frozen=True)
class PairingProposal:
    """One way to read a folder, checked by running its patterns over the whole tree.

    Args:
        layout: "composite" (photo and mask side by side in one file), "separate" (one mask file a picture), "layers" (several mask
            files a picture, of one class or instance each) or "annotations" (a file of polygons or run lengths beside pictures).
        images: pattern of the pictures in the language of sources.patterns, relative to the tree or the folder below its single
            top folder.
        masks: pattern of the masks with the same fields, in layers with {class} or * besides; None in composite and annotations.
        samples: what the patterns pair, sorted by picture.
        pictures_without_mask: files that fit `images` and have no mask.
        masks_without_picture: files that fit `masks` and have no picture.
        kind: what tells this mask family from others of the same pictures: "labelIds", "1stHO"; for a question.
        image_side: the photo's half of a composite, "left" or "right"; None elsewhere.
        annotations: annotation files in layout annotations, relative to the tree.
        annotation_kind: "coco", "rle", "wkt", "geojson"; None elsewhere.
        split_source: what `samples` have their split from: "folders", "names" (both: the field {split}), "lists", or None.
        lists: part -> list file relative to the tree, whatever the splits come from.
        list_style: what a line holds: "pairs" (picture and mask), "paths" (picture), "stems" (names without suffix).
        missing: entries of the lists that name no picture, as "list:line: text".
        group: text with fields of `images` that tells scenes apart, or None where nothing is evident.
        group_reason: why, one line.
        ignored: pictures that this proposal takes neither as picture nor as mask.
        reasons: why this proposal, one line each.
        score: 0 to 1; proposals less than RIVAL_MARGIN apart are about equally likely: ask, do not guess.
    """

    layout: Layout
    images: str
    masks: str | None
    samples: tuple[Sample, ...]
    pictures_without_mask: tuple[str, ...] = ()
    masks_without_picture: tuple[str, ...] = ()
    kind: str = ""
    image_side: Literal["left", "right"] | None = None
    annotations: tuple[str, ...] = ()
    annotation_kind: Literal["coco", "rle", "wkt", "geojson"] | None = None
    split_source: SplitSource | None = None
    lists: Mapping[Split, str] = field(default_factory=dict)
    list_style: Literal["pairs", "paths", "stems"] | None = None
    missing: tuple[str, ...] = ()
    group: str | None = None
    group_reason: str = ""
    ignored: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    score: float = 0.0

    @property
    def num_pairs(self) -> int:
        """Number of pictures with a mask."""
        return len(self.samples)

    def add_reasons(self, *reasons: str) -> "PairingProposal":
        """Return it with more reasons."""
        return replace(self, reasons=(*self.reasons, *reasons))


def find_rivals(proposals: list[PairingProposal]) -> list[PairingProposal]:
    """Return the best proposal and those about as likely, at most six: more than one means that a person has to choose."""
    return [proposal for proposal in proposals if proposals[0].score - proposal.score < RIVAL_MARGIN][:MOST_RIVALS]
