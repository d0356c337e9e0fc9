"""The trimap form, as the Oxford-IIIT Pet data set has it: 1 pet, 2 background, 3 border; labels of the same names."""

from dataclasses import replace
from pathlib import Path

from maskmill.errors import SourceError
from maskmill.labels.layers import BACKGROUND
from maskmill.sources.annotations import Annotation, MaskFile
from maskmill.sources.choosing import match_lines
from maskmill.sources.lists import ListLine
from maskmill.sources.pairing import Pair, pair_by_fields
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree

PET, BORDER = "pet", "border"
SPECIES = {"1": "cat", "2": "dog"}


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Pair pictures with trimaps by patterns; lists, where given, choose among them and say their parts and species.

    Args:
        tree: the source's files.
        layout: `images` and `masks`; `lists` in the data set's own form, "Abyssinian_100 1 1 1" (name, class, species, breed); with
            `species`, a pet is labelled "cat" or "dog": as its list says, or by its name, which is capital for cats.

    Raises:
        SourceError: a pattern is missing, files without a partner, or list lines that name no picture or are not of that form.
    """
    if not layout.images or not layout.masks:
        raise SourceError(
            "source.form trimap takes source.images and source.masks",
            fix='e.g. "images/{name}.jpg" and "annotations/trimaps/{name}.png"',
        )
    pairs = pair_by_fields(tree, layout.images, layout.masks, layout.missing)
    if not layout.lists:
        return [_annotate(pair, _guess_species(pair.image) if layout.species else PET) for pair in pairs]
    return [
        _annotate(replace(pair, split=line.split), _read_species(line) if layout.species else PET)
        for pair, line in match_lines(tree, pairs, layout)
    ]


def _annotate(pair: Pair, pet: str) -> Pair:
    assert isinstance(pair.mask, Path)
    labels = {pet: 1, BACKGROUND: 2, BORDER: 3}
    layers = [
        MaskFile(label=label, file=pair.mask, values=[value], allowed=list(labels.values())) for label, value in labels.items()
    ]
    return replace(pair, mask=Annotation(layers=layers))


def _read_species(line: ListLine) -> str:
    """Return the species that the third word of a line says."""
    words = line.text.split()
    if len(words) < 3 or words[2] not in SPECIES:
        raise SourceError(
            f"{line.place}: {line.text!r} has no species, 1 (cat) or 2 (dog), in third place",
            expected="lines as in the data set: name, class, species, breed",
            fix="correct the list, or set source.species to false",
        )
    return SPECIES[words[2]]


def _guess_species(image: Path) -> str:
    """Return the species that a file's name tells: the data set writes breeds of cats with a capital, those of dogs without."""
    return SPECIES["1"] if image.stem[:1].isupper() else SPECIES["2"]
