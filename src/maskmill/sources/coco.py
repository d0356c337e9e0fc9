"""The coco form: a JSON file of images, categories and annotations, as COCO has them; labels are the categories' names."""

from dataclasses import dataclass, field

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.annotations import Annotation
from maskmill.sources.catalogue import SETTING, AnnotationFile, Catalogue
from maskmill.sources.choosing import choose_by_lists
from maskmill.sources.coco_file import DescribedImage, read_coco
from maskmill.sources.pairing import Pair, refuse_unknown_splits, settle
from maskmill.sources.patterns import read_own_split
from maskmill.sources.settings import Layout, Overlaps
from maskmill.sources.tree import FileTree


@dataclass
class _Findings:
    """What was found in the files so far: pictures with the place that names them, and what cannot be used."""

    place_of: dict[str, str] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Take the pictures that COCO files name; those without an annotation are background, those that no file names are not taken.

    Args:
        tree: the source's files.
        layout: `annotations`, pattern of the JSON files; `images`, pattern of the pictures, which `file_name` finds by the ends of
            their paths; `overlaps`, what lies on top: the smaller object, or the later one; `missing`, what becomes of pictures
            that are named and not there, and of annotations without a segmentation; `lists`, where given, choose among them.

    Raises:
        SourceError: a pattern is missing or nothing fits it; a file is no COCO file; an id twice, an unknown id, a picture in two
            files, a segmentation that cannot be drawn: all of them are named.
    """
    if not layout.images or not layout.annotations or layout.masks:
        raise SourceError(
            "source.form coco takes source.images and source.annotations, and no source.masks",
            fix='e.g. "{split}2017/{name}.jpg" and "annotations/instances_{split}2017.json"',
        )
    catalogue = Catalogue(tree, layout.images, layout.annotations)
    findings = _Findings()
    for file in catalogue.files:
        _collect(file, catalogue, layout.overlaps, findings)
    if findings.problems:
        raise SourceError(
            f"{len(findings.problems)} entries of the COCO files below {tree.name} cannot be used:\n"
            f"{summarise_problems(findings.problems)}",
            fix=f"correct or remove them, or narrow {SETTING}",
        )
    settle("annotations have no segmentation", findings.empty, layout.missing, fix="draw or remove them")
    settle(
        "pictures that annotations name are not there", findings.absent, layout.missing, fix="add them, or correct source.images"
    )
    if not findings.pairs:
        names = ", ".join(file.name for file in catalogue.files)
        raise SourceError(f"{names} below {tree.name} name no picture that is there", fix="correct source.images")
    refuse_unknown_splits(findings.pairs)
    return choose_by_lists(tree, findings.pairs, layout) if layout.lists else findings.pairs


def _collect(file: AnnotationFile, catalogue: Catalogue, overlaps: Overlaps, findings: _Findings) -> None:
    described = read_coco(file)
    findings.problems += described.problems
    findings.empty += described.empty
    for image in described.images:
        picture = catalogue.find(file, image.file_name)
        if picture is None:
            findings.absent.append(f"{image.place}: {image.file_name}")
        elif picture in findings.place_of:
            findings.problems.append(f"{image.place}: {picture} was named before, by {findings.place_of[picture]}")
        else:
            findings.place_of[picture] = image.place
            findings.pairs.append(catalogue.build_pair(picture, _annotate(image, overlaps), read_own_split(file.fields)))


def _annotate(image: DescribedImage, overlaps: Overlaps) -> Annotation:
    objects = sorted(image.objects, key=lambda drawn: -drawn.area) if overlaps == "area" else image.objects
    return Annotation(size=image.size, layers=[drawn.segmentation for drawn in objects])
