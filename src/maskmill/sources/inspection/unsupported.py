"""Annotation files that no form reads: what they are, and what to turn them into."""

import json
from pathlib import Path, PurePosixPath

from maskmill.sources.inspection.candidates import choose_evenly
from maskmill.sources.tree import FileTree

_MOST_LOOKS = 4
_HEAD = 4096


def name_unsupported(tree: FileTree) -> str:
    """Return one line about annotation files that are not read, or "" where there are none."""
    for suffix, tell in ((".json", _tell_json), (".xml", _tell_xml), (".txt", _tell_text)):
        paths = [path for path in tree.files if PurePosixPath(path).suffix.lower() == suffix]
        for path in choose_evenly(paths, _MOST_LOOKS):
            if found := tell(tree.root / path):
                return f"{len(paths)} {suffix} files such as {path} are {found}"
    return ""


def _tell_json(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return ""
    if isinstance(content, dict) and {"shapes", "imagePath"} <= content.keys():
        return "LabelMe's, a JSON a picture: turn them into one COCO file (labelme2coco), or into masks (labelme_export_json)"
    if isinstance(content, dict) and "objects" in content and ({"imgHeight", "size"} & content.keys()):
        return "polygons, a JSON a picture (Cityscapes, Supervisely): export masks, or one COCO file, with the tool they come from"
    if isinstance(content, dict) and any(isinstance(entry, dict) and "regions" in entry for entry in content.values()):
        return "VGG Image Annotator's: export them as COCO there"
    return ""


def _tell_xml(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if any(word in head for word in (b"<Vertex", b"<polygon", b"<Annotations", b"<annotations", b"<bndbox")):
        return "XML, which no form reads: export masks, or one COCO file, with the tool they come from"
    return ""


def _tell_text(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as stream:
        words = stream.readline(_HEAD).split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return ""
    is_polygon = len(numbers) >= 7 and len(numbers) % 2 == 1 and numbers[0].is_integer()
    if is_polygon and all(0 <= number <= 1 for number in numbers[1:]):
        return "YOLO's polygons: turn them into one COCO file"
    return ""
