"""Cells and tissue in miniature: 16-bit instances, markers beside them, overlays, COCO, arrays that no form reads."""

import json
from pathlib import Path

import numpy as np
from public_sets_drawing import (
    REFUSED,
    SIZE,
    Expected,
    lines,
    photo,
    save,
    things,
    write,
)
from public_sets_making import ANY, Made, two_values, uuid


def breast_cell(root: Path, rng: np.random.Generator) -> Expected:
    """Why: _ccd.tif in Images and .TIF without it in Masks."""
    made = Made(root, rng)
    for number, kind in (
        (10, "benign1"),
        (10, "benign2"),
        (10, "malignant1"),
        (12, "benign1"),
        (23, "malignant3"),
        (49, "benign2"),
    ):
        name, mask = f"ytma{number}_010704_{kind}", (things(rng, 9) > 0).astype(np.uint8)
        made.put(f"Images/{name}_ccd.tif", f"Masks/{name}.TIF", mask, two_values(mask), format="TIFF")
    return Expected(made.truth, ANY, masks=made.masks)


def bccd_masks(root: Path, rng: np.random.Generator) -> Expected:
    """Why: folders `original` and `mask` by part; pictures are png and jpg, masks png."""
    made, parts = Made(root, rng), {}
    for part, number in (("train", 6), ("test", 3)):
        for index in range(number):
            name, mask = uuid(rng), (things(rng, 8) > 0).astype(np.uint8)
            image = f"BCCD Dataset with mask/{part}/original/{name}.{('png', 'jpg')[index % 2]}"
            parts[image] = part
            made.put(image, f"BCCD Dataset with mask/{part}/mask/{name}.png", mask, two_values(mask))
    return Expected(made.truth, ANY, masks=made.masks, parts=parts)


def livecell(root: Path, rng: np.random.Generator) -> Expected:
    """Why: COCO with grey TIFF photos of all parts in two folders; the JSON files are named by the part."""
    truth, parts = {}, {}
    for part, folder, names in (
        (
            "train",
            "livecell_train_val_images",
            ("A172_Phase_C7_1_00d00h00m", "BT474_Phase_A3_1_00d00h00m", "Huh7_Phase_A10_1_00d04h00m"),
        ),
        ("val", "livecell_train_val_images", ("A172_Phase_B7_1_00d00h00m", "SKOV3_Phase_E4_1_01d16h00m")),
        ("test", "livecell_test_images", ("A172_Phase_D7_1_00d00h00m", "MCF7_Phase_G4_1_00d00h00m")),
    ):
        images, annotations = [], []
        for place, stem in enumerate(names):
            for piece in (1, 2):
                name, key = f"{stem}_{piece}.tif", 100 * piece + place
                path = f"images/{folder}/{name}"
                drawn = truth[path] = np.zeros(SIZE, np.uint8)
                parts[path] = part
                save(root / path, photo(rng, channels=1))
                images.append({"id": key, "file_name": name, "original_filename": name, "height": SIZE[0], "width": SIZE[1]})
                for left, top in ((4, 6), (30, 20)):
                    width, height = int(rng.integers(10, 24)), int(rng.integers(8, 14))
                    drawn[top : top + height, left : left + width] = 1
                    outline = [left, top, left + width, top, left + width, top + height, left, top + height]
                    entry = {"id": len(annotations) + 1, "image_id": key, "category_id": 1, "iscrowd": 0, "area": width * height}
                    annotations.append({**entry, "bbox": [left, top, width, height], "segmentation": [outline]})
        content = {
            "info": {},
            "licenses": [],
            "images": images,
            "annotations": annotations,
            "categories": [{"name": "cell", "id": 1}],
        }
        write(root / f"annotations/livecell_coco_{part}.json", json.dumps(content))
    return Expected(truth, frozenset({"coco"}), classes=(None, "cell"), parts=parts, agreement=0.97)


def crag(root: Path, rng: np.random.Generator) -> Expected:
    """Why: numbered glands; Overlay holds photos with outlines drawn on them; valid's files are called test_1."""
    made, parts = Made(root, rng), {}
    for part, prefix, numbers in (("train", "train", range(1, 7)), ("valid", "test", range(1, 4))):
        for number in numbers:
            ids = things(rng, int(rng.integers(4, 12)))
            name = f"{prefix}_{number}.png"
            image = f"CRAG/{part}/Images/{name}"
            parts[image] = {"valid": "val"}.get(part, part)
            made.put(image, f"CRAG/{part}/Annotation/{name}", (ids > 0).astype(np.uint8), ids)
            overlay = photo(rng)
            overlay[lines(rng) > 0] = (255, 255, 0)
            save(root / f"CRAG/{part}/Overlay/{name}", overlay)
    return Expected(made.truth, ANY, masks=made.masks, parts=parts, asks="may")


def pannuke(root: Path, rng: np.random.Generator) -> Expected:
    """Why: arrays of all pictures in .npy are no form: an error."""
    for fold in (1, 2, 3):
        for kind in ("images", "masks"):
            path = root / f"Fold {fold}/{kind}/fold{fold}/{kind}.npy"
            path.parent.mkdir(parents=True)
            np.save(path, np.zeros((2, 8, 8, 3)))
    return REFUSED


def cell_tracking(root: Path, rng: np.random.Generator) -> Expected:
    """Why: t000.tif and man_seg000.tif (16-bit instances); markers of tracks in TRA; most frames have no segmentation."""
    made = Made(root, rng)
    for sequence in ("01", "02"):
        for frame in range(8):
            ids = things(rng, 6)
            image = f"PhC-C2DH-U373/{sequence}/t{frame:03d}.tif"
            if frame % 2 == 0:
                made.put(
                    image,
                    f"PhC-C2DH-U373/{sequence}_GT/SEG/man_seg{frame:03d}.tif",
                    two_values(ids, 1),
                    ids.astype(np.uint16),
                    channels=1,
                )
            else:
                save(root / image, photo(rng, channels=1))
            marks = np.zeros(SIZE, np.uint16)
            for cell in range(1, 7):
                rows, columns = np.nonzero(ids == cell)
                marks[int(rows.mean()) : int(rows.mean()) + 2, int(columns.mean())] = cell
            save(root / f"PhC-C2DH-U373/{sequence}_GT/TRA/man_track{frame:03d}.tif", marks)
        write(root / f"PhC-C2DH-U373/{sequence}_GT/TRA/man_track.txt", "1 0 7 0\n2 0 7 0\n")
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


def neurips_cells(root: Path, rng: np.random.Generator) -> Expected:
    """Why: pictures in five formats, masks _label.tiff of 16 bits that number the cells; unlabelled pictures elsewhere."""
    made = Made(root, rng)
    for number, suffix in enumerate(("bmp", "png", "tif", "tiff", "jpg", "png", "bmp", "tif"), start=1):
        ids = things(rng, int(rng.integers(6, 18)))
        made.put(
            f"Training-labeled/images/cell_{number:05d}.{suffix}",
            f"Training-labeled/labels/cell_{number:05d}_label.tiff",
            two_values(ids, 1),
            ids.astype(np.uint16),
        )
    save(root / "release-part1-unlabeled/unlabeled_cell_00001.png", photo(rng))
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


SETS = {
    build.__name__: build
    for build in (
        breast_cell,
        bccd_masks,
        livecell,
        crag,
        pannuke,
        cell_tracking,
        neurips_cells,
    )
}
