"""Miniatures of the sets whose masks are described by a file: run lengths, COCO JSON."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scenes import Box, draw_boxes, fill_boxes, photograph, save


def write_severstal(folder: Path) -> None:
    """train_images/*.jpg and train.csv: a row for each kind of defect of a sheet; sheets without defects have none."""
    rng = np.random.default_rng(10)
    size = (80, 420)
    rows = "ImageId,ClassId,EncodedPixels\n"
    for number in range(20):
        name = f"{rng.bytes(4).hex()}{number:x}.jpg"
        kinds = [1, 2, 3, 4, 3, 3] if number % 10 else []
        ids = fill_boxes(draw_boxes(rng, len(kinds), size, grid=(2, 6)), kinds, size)
        save(folder / "train_images" / name, photograph(rng, ids), quality=92)
        for kind in sorted(set(kinds)):
            rows += f"{name},{kind},{encode_runs(ids == kind)}\n"
    (folder / "train.csv").write_text(rows)
    save(folder / "test_images/0000f269f.jpg", photograph(rng, np.zeros(size, np.uint8)))
    (folder / "sample_submission.csv").write_text("ImageId,EncodedPixels,ClassId\n0000f269f.jpg,1 409600,0\n")


def write_airbus_ships(folder: Path) -> None:
    """train_v2/*.jpg and train_ship_segmentations_v2.csv: a row for each ship, one without runs for a picture without ships."""
    rng = np.random.default_rng(11)
    size = (80, 112)
    rows = "ImageId,EncodedPixels\n"
    for number in range(20):
        name = f"{rng.bytes(4).hex()}{number:x}.jpg"
        boxes = draw_boxes(rng, 3 if number % 5 else 0, size)
        save(folder / "train_v2" / name, photograph(rng, fill_boxes(boxes, [1] * len(boxes), size)), quality=92)
        for box in boxes:
            rows += f"{name},{encode_runs(fill_boxes([box], [1], size) > 0)}\n"
        if not boxes:
            rows += f"{name},\n"
    (folder / "train_ship_segmentations_v2.csv").write_text(rows)
    save(folder / "test_v2/00dc34840.jpg", photograph(rng, np.zeros(size, np.uint8)))
    (folder / "sample_submission_v2.csv").write_text("ImageId,EncodedPixels\n00dc34840.jpg,1 2\n")


def write_mapping_challenge(folder: Path) -> None:
    """{train,val}/images/000000000001.jpg and {train,val}/annotation.json: a polygon for each building."""
    rng = np.random.default_rng(12)
    size = (90, 120)
    for part, number in (("train", 16), ("val", 4)):
        images, annotations = [], []
        for image in range(1, number + 1):
            boxes = draw_boxes(rng, 4, size)
            name = f"{image:012}.jpg"
            save(folder / part / "images" / name, photograph(rng, fill_boxes(boxes, [1] * 4, size)), quality=92)
            images.append({"id": image, "file_name": name, "width": size[1], "height": size[0]})
            annotations += [_describe_building(box, len(annotations) + place, image) for place, box in enumerate(boxes)]
        content = {
            "info": {"contributor": "crowdAI.org"},
            "categories": [{"id": 100, "name": "building", "supercategory": "building"}],
            "images": images,
            "annotations": annotations,
        }
        (folder / part / "annotation.json").write_text(json.dumps(content))
    save(folder / "test_images/000000000002.jpg", photograph(rng, np.zeros(size, np.uint8)))


def encode_runs(mask: NDArray[np.bool_]) -> str:
    """Return "start length start length ...", from 1, down the columns."""
    edges = np.flatnonzero(np.diff(mask.reshape(-1, order="F"), prepend=False, append=False))
    return " ".join(f"{start + 1} {end - start}" for start, end in zip(edges[::2], edges[1::2], strict=True))


def _describe_building(box: Box, number: int, image: int) -> dict:
    top, left, bottom, right = (float(edge) for edge in box)
    return {
        "id": number,
        "image_id": image,
        "category_id": 100,
        "iscrowd": 0,
        "area": (bottom - top) * (right - left),
        "bbox": [top, left, right - left, bottom - top],  # the set has them in this order
        "segmentation": [[left, top, right, top, right, bottom, left, bottom, left, top]],
    }
