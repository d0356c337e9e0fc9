"""Sets from satellites and drones in miniature: bands, run lengths, outlines, ids beside colours."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from public_sets_drawing import (
    COLOURS,
    FILES,
    IDS,
    SIZE,
    VOID,
    Expected,
    bands,
    blob,
    grey3,
    hexadecimal,
    paint,
    photo,
    regions,
    run_lengths,
    save,
    save_raster,
    some_regions,
    things,
    write,
)

DRONE = """name, r, g, b
unlabeled, 0, 0, 0
paved-area, 128, 64, 128
dirt, 130, 76, 0
grass, 0, 102, 0
gravel, 112, 103, 87
water, 28, 42, 168
rocks, 48, 41, 30
pool, 0, 50, 89
vegetation, 107, 142, 35
roof, 70, 70, 70
wall, 102, 102, 156
window, 254, 228, 12
door, 254, 148, 12
fence, 190, 153, 153
fence-pole, 153, 153, 153
person, 255, 22, 96
dog, 102, 51, 0
car, 9, 143, 150
bicycle, 119, 11, 32
tree, 51, 51, 0
bald-tree, 190, 250, 190
ar-marker, 112, 150, 146
obstacle, 2, 135, 115
conflicting, 255, 0, 0
"""


def aeroscapes(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the same masks twice, as ids and painted for people; lists of bare names (trn.txt, val.txt) give the parts."""
    truth, masks, painted, parts = {}, {}, {}, {}
    colours = {
        number: tuple(int(v) for v in (number * 67 % 192 + 60, number * 29 % 256, number * 101 % 256)) for number in range(12)
    }
    for number in range(8):
        name = f"{number // 2 + 1:06d}_{number:03d}"
        image = f"aeroscapes/JPEGImages/{name}.jpg"
        masks[image] = f"aeroscapes/SegmentationClass/{name}.png"
        painted[image] = f"aeroscapes/Visualizations/{name}.png"
        parts[image] = "train" if number < 6 else "val"
        truth[image] = some_regions(rng, 12, 5, always=(number, number + 4))
        save(root / image, photo(rng))
        save(root / masks[image], truth[image])
        save(root / painted[image], paint(truth[image], colours))
    for name, part in (("trn", "train"), ("val", "val")):
        lines_ = [Path(image).stem for image in truth if parts[image] == part]
        write(root / f"aeroscapes/ImageSets/{name}.txt", "\n".join(lines_) + "\n")
    as_colours = Expected(truth, COLOURS, classes=(None,) * 12, masks=painted)
    return Expected(truth, IDS, classes=(None,) * 12, masks=masks, parts=parts, asks="may", alternatives=(as_colours,))


def semantic_drone(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids, and the same painted elsewhere; the table (spaces after commas) has colours, whose row numbers are the ids."""
    names = tuple(line.split(",")[0] for line in DRONE.splitlines()[1:])
    colours = {number: tuple(int(v) for v in line.split(",")[1:]) for number, line in enumerate(DRONE.splitlines()[1:])}
    truth, masks, painted = {}, {}, {}
    for number in range(8):
        image = f"dataset/semantic_drone_dataset/original_images/{number:03d}.jpg"
        masks[image] = f"dataset/semantic_drone_dataset/label_images_semantic/{number:03d}.png"
        painted[image] = f"RGB_color_image_masks/RGB_color_image_masks/{number:03d}.png"
        ids = some_regions(rng, 24, 6, always=(0, 1, 3 + number, 12 + number))
        truth[image] = np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8)
        save(root / image, photo(rng))
        save(root / masks[image], ids)
        save(root / painted[image], paint(ids, colours))
    write(root / "class_dict_seg.csv", DRONE)
    as_ids = Expected(truth, IDS, classes=names[1:], masks=masks, void="either", asks="may")
    return replace(as_ids, alternatives=(replace(as_ids, forms=COLOURS, masks=painted),))


def water_bodies(root: Path, rng: np.random.Generator) -> Expected:
    """Why: JPEG greys around 0 and 255, capital folder names, numbers without zeros, tiny and large pictures."""
    truth, masks = {}, {}
    for number, size in zip((1, 2, 10, 11, 100, 2841), ((48, 64), (40, 44), (88, 96), (52, 52), (48, 70), (36, 64)), strict=True):
        image = f"Water Bodies Dataset/Images/water_body_{number}.jpg"
        masks[image] = f"Water Bodies Dataset/Masks/water_body_{number}.jpg"
        truth[image] = blob(rng, size, part=0.4)
        save(root / image, photo(rng, size))
        save(root / masks[image], grey3(truth[image] * 255), quality=70)
    return Expected(truth, FILES, masks=masks, agreement=0.97)


def cloud_38(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a file a band (train_red/red_x.TIF ...), 16-bit, truth named gt_x; the test part has no truth; false colours beside."""
    truth, masks, names = {}, {}, []
    for number in range(1, 8):
        name = f"patch_{number}_1_by_{number}_LC08_L1TP_002053_20160520_20170324_01_T1"
        image = f"38-Cloud_training/train_red/red_{name}.TIF"
        masks[image] = f"38-Cloud_training/train_gt/gt_{name}.TIF"
        truth[image] = blob(rng, part=0.4)
        for band, pixels in zip(("red", "green", "blue", "nir"), bands(rng, 4, top=40000), strict=True):
            save(root / f"38-Cloud_training/train_{band}/{band}_{name}.TIF", pixels)
        save(root / masks[image], truth[image] * 255)
        save(root / f"38-Cloud_training/Natural_False_Color/{name}.png", photo(rng))
        names.append(name)
    for band in ("red", "green", "blue", "nir"):
        save(
            root / f"38-Cloud_test/test_{band}/{band}_patch_9_1_by_1_LC08_L1TP_003052_20160120_20170405_01_T1.TIF", bands(rng, 1)[0]
        )
    write(root / "38-Cloud_training/training_patches_38-Cloud.csv", "name\n" + "\n".join(names) + "\n")
    return Expected(truth, FILES | {"geotiff", "layers"}, masks=masks, picture_files=4, asks="may")


def sentinel2_bands(root: Path, rng: np.random.Generator) -> Expected:
    """Why: thirteen bands of 16 bits in one GeoTIFF, ids in another with the same name."""
    truth, masks = {}, {}
    for number in range(7):
        image = f"images/S2A_T32TQM_{number:03d}.tif"
        masks[image] = f"masks/S2A_T32TQM_{number:03d}.tif"
        truth[image] = regions(rng, 4)
        save_raster(root / image, bands(rng, 13))
        save_raster(root / masks[image], truth[image][np.newaxis])
    return Expected(truth, IDS | {"geotiff"}, classes=(None,) * 4, masks=masks)


def sen1floods11(root: Path, rng: np.random.Generator) -> Expected:
    """Why: thirteen bands, truth int16 with -1 for no data, named _S2Hand and _LabelHand; a CSV names the pairs of a part."""
    truth, masks, rows = {}, {}, []
    for place in ("Bolivia_103757", "Ghana_103272", "India_1017769", "Mekong_1111068", "Spain_1199913", "USA_1010394"):
        image = f"HandLabeled/S2Hand/{place}_S2Hand.tif"
        masks[image] = f"HandLabeled/LabelHand/{place}_LabelHand.tif"
        ids = regions(rng, 3)
        truth[image] = np.where(ids == 2, VOID, ids).astype(np.uint8)
        save_raster(root / image, bands(rng, 13))
        save_raster(root / masks[image], np.where(ids == 2, -1, ids).astype(np.int16)[np.newaxis])
        rows.append(f"{place}_S2Hand.tif,{place}_LabelHand.tif")
    write(root / "splits/flood_handlabeled/flood_train_data.csv", "\n".join(rows) + "\n")
    return Expected(truth, IDS | {"geotiff"}, masks=masks, void="either", asks="may")


def airbus_ships(root: Path, rng: np.random.Generator) -> Expected:
    """Why: no mask file at all: run lengths down the columns, a row a ship, none for empty seas; test pictures, a dummy CSV."""
    truth, rows = {}, ["ImageId,EncodedPixels"]
    for number in range(7):
        name = f"{hexadecimal(rng, 9)}.jpg"
        ids = things(rng, number)
        truth[f"train_v2/{name}"] = (ids > 0).astype(np.uint8)
        save(root / f"train_v2/{name}", photo(rng))
        rows += [f"{name},{run_lengths(ids == ship)}" for ship in range(1, number + 1)] or [f"{name},"]
    tests = [f"{hexadecimal(rng, 9)}.jpg" for _ in range(2)]
    for name in tests:
        save(root / f"test_v2/{name}", photo(rng))
    write(root / "train_ship_segmentations_v2.csv", "\n".join(rows) + "\n")
    write(root / "sample_submission_v2.csv", "ImageId,EncodedPixels\n" + "".join(f"{name},1 2\n" for name in tests))
    return Expected(truth, frozenset({"rle"}))


def coco_buildings(root: Path, rng: np.random.Generator) -> Expected:
    """Why: outlines in COCO's JSON, a file a part, named by their content rather than by their place (train/annotation.json)."""
    truth, parts = {}, {}
    for part, numbers in (("train", range(5)), ("val", range(5, 7))):
        images, annotations = [], []
        for number in numbers:
            name = f"{number:012d}.jpg"
            drawn = truth[f"{part}/images/{name}"] = np.zeros(SIZE, np.uint8)
            parts[f"{part}/images/{name}"] = part
            save(root / f"{part}/images/{name}", photo(rng))
            images.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1]})
            for left, top in ((4, 6), (30, 20)):
                width, height = int(rng.integers(10, 24)), int(rng.integers(8, 14))
                drawn[top : top + height, left : left + width] = 1
                outline = [left, top, left + width, top, left + width, top + height, left, top + height]
                box, key = [left, top, width, height], len(annotations) + 1
                entry = {"id": key, "image_id": number, "category_id": 100, "iscrowd": 0, "area": width * height, "bbox": box}
                annotations.append({**entry, "segmentation": [outline]})
        categories = [{"id": 100, "name": "building", "supercategory": "building"}]
        content = {"info": {}, "categories": categories, "images": images, "annotations": annotations}
        write(root / f"{part}/annotation.json", json.dumps(content))
    return Expected(truth, frozenset({"coco"}), classes=(None, "building"), parts=parts, agreement=0.97)


SETS = {
    build.__name__: build
    for build in (
        aeroscapes,
        semantic_drone,
        water_bodies,
        cloud_38,
        sentinel2_bands,
        sen1floods11,
        airbus_ships,
        coco_buildings,
    )
}
