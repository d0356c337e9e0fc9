"""Sets seen from above in miniature: tiles, bands, colours, run lengths."""

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
    lines,
    paint,
    photo,
    regions,
    run_lengths,
    save,
    save_raster,
    some_regions,
    things,
    through_jpeg,
    write,
)

ISPRS = dict(enumerate([(255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0)]))
LAND = {
    "urban_land": (0, 255, 255),
    "agriculture_land": (255, 255, 0),
    "rangeland": (255, 0, 255),
    "forest_land": (0, 255, 0),
    "water": (0, 0, 255),
    "barren_land": (255, 255, 255),
    "unknown": (0, 0, 0),
}
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


def massachusetts_buildings(root: Path, rng: np.random.Generator) -> Expected:
    """Why: sat with .tiff and map with .tif, black and pure red, parts named train, valid and test."""
    truth, masks, parts = {}, {}, {}
    for part, numbers in (("train", range(4)), ("valid", range(4, 6)), ("test", range(6, 8))):
        for number in numbers:
            image = f"{part}/sat/2267891{number}_15.tiff"
            masks[image] = f"{part}/map/2267891{number}_15.tif"
            parts[image] = {"valid": "val"}.get(part, part)
            truth[image] = (things(rng, 12) > 0).astype(np.uint8)
            save(root / image, photo(rng))
            save(root / masks[image], paint(truth[image], {1: (255, 0, 0)}))
    return Expected(truth, COLOURS, masks=masks, parts=parts)


def massachusetts_roads(root: Path, rng: np.random.Generator) -> Expected:
    """Why: Kaggle's copy: train beside train_labels, other suffixes, a class table (name,r,g,b) and a CSV of all paths."""
    truth, masks, parts, rows = {}, {}, {}, ["image_id,split,tiff_image_path,tif_label_path"]
    for part, numbers in (("train", range(4)), ("val", range(4, 6)), ("test", range(6, 8))):
        for number in numbers:
            image = f"tiff/{part}/1007866{number}_15.tiff"
            masks[image] = f"tiff/{part}_labels/1007866{number}_15.tif"
            parts[image] = part
            truth[image] = lines(rng)
            save(root / image, photo(rng))
            save(root / masks[image], truth[image] * 255)
            rows.append(f"1007866{number}_15,{part},{image},{masks[image]}")
    write(root / "metadata.csv", "\n".join(rows) + "\n")
    write(root / "label_class_dict.csv", "name,r,g,b\nbackground,0,0,0\nroad,255,255,255\n")
    return Expected(truth, FILES, classes=("background", "road"), masks=masks, parts=parts)


def inria(root: Path, rng: np.random.Generator) -> Expected:
    """Why: train has images and gt, test has images alone; the city in the name; TIFF with 0 and 255."""
    truth, masks = {}, {}
    for city in ("austin", "chicago", "kitsap", "tyrol-w"):
        for number in (1, 2):
            image = f"AerialImageDataset/train/images/{city}{number}.tif"
            masks[image] = f"AerialImageDataset/train/gt/{city}{number}.tif"
            truth[image] = (things(rng, 14) > 0).astype(np.uint8)
            save(root / image, photo(rng))
            save(root / masks[image], truth[image] * 255)
    for number in (1, 2, 3):
        save(root / f"AerialImageDataset/test/images/bellingham{number}.tif", photo(rng))
    return Expected(truth, FILES, masks=masks)


def deepglobe_road(root: Path, rng: np.random.Generator) -> Expected:
    """Why: x_sat.jpg and x_mask.png in one folder, masks not pure 0 and 255, valid and test without any, class table with space."""
    truth, masks, rows = {}, {}, ["image_id,split,sat_image_path,mask_path"]
    for number in (104, 134, 143, 152, 201, 233, 1014):
        image = f"train/{number}_sat.jpg"
        masks[image] = f"train/{number}_mask.png"
        truth[image] = lines(rng, thickness=6)
        save(root / image, photo(rng))
        save(root / masks[image], through_jpeg(grey3(truth[image] * 255)))
        rows.append(f"{number},train,{image},{masks[image]}")
    for part in ("valid", "test"):
        for number in (999, 1234):
            save(root / f"{part}/{number}{len(part)}_sat.jpg", photo(rng))
            rows.append(f"{number}{len(part)},{part},{part}/{number}{len(part)}_sat.jpg,")
    write(root / "metadata.csv", "\n".join(rows) + "\n")
    write(root / "class_dict.csv", "name,r,g,b\nroad,255, 255, 255\nbackground,0, 0, 0\n")
    return Expected(truth, FILES, classes=("background", "road"), masks=masks, agreement=0.97)


def deepglobe_land(root: Path, rng: np.random.Generator) -> Expected:
    """Why: seven pure colours of which a picture has few, noise around them, `unknown` may be void, pictures without masks."""
    truth, masks = {}, {}
    colours = dict(enumerate(LAND.values()))
    for number in (119, 606, 855, 1564, 2334, 2774, 3484):
        image = f"train/{number}_sat.jpg"
        masks[image] = f"train/{number}_mask.png"
        ids = some_regions(rng, 7, 4, always=(number % 6,))
        truth[image] = np.where(ids == 6, VOID, ids).astype(np.uint8)
        save(root / image, photo(rng))
        noisy = paint(ids, colours).astype(int) + rng.integers(-4, 5, (*SIZE, 3)) * (rng.random((*SIZE, 1)) < 0.03)
        save(root / masks[image], np.clip(noisy, 0, 255).astype(np.uint8))
    for part, number in (("valid", 1090), ("valid", 2123), ("test", 3)):
        save(root / f"{part}/{number}_sat.jpg", photo(rng))
    write(root / "class_dict.csv", "name,r,g,b\n" + "\n".join(f"{name},{r},{g},{b}" for name, (r, g, b) in LAND.items()))
    return Expected(truth, COLOURS, classes=tuple(LAND)[:6], masks=masks, void="either", agreement=0.99)


def landcover_ai(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids 0 to 4 in TIFF, lists of names that exist only after cutting (so they name missing pictures), a script."""
    truth, masks = {}, {}
    names = ("M-33-20-D-c-4-2", "M-33-20-D-d-3-3", "M-34-51-C-b-2-1", "N-33-60-D-c-4-2", "N-34-106-A-b-3-4", "N-34-94-A-b-2-4")
    for name in names:
        image = f"landcover.ai.v1/images/{name}.tif"
        masks[image] = f"landcover.ai.v1/masks/{name}.tif"
        truth[image] = regions(rng, 5)
        save(root / image, photo(rng))
        save(root / masks[image], truth[image])
    for part, some in (("train", names[:4]), ("val", names[4:5]), ("test", names[5:])):
        write(root / f"landcover.ai.v1/{part}.txt", "\n".join(f"{name}_{piece}" for name in some for piece in range(4)) + "\n")
    write(root / "landcover.ai.v1/split.py", "import cv2\n")
    return Expected(truth, IDS, classes=(None,) * 5, masks=masks)


def loveda(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids 1 to 7 with 0 for no data, deep folders whose order is part/scene/kind, a test part without masks."""
    truth, masks, parts = {}, {}, {}
    for part, scene, numbers in (
        ("Train", "Rural", (0, 1, 2)),
        ("Train", "Urban", (1366, 1367, 1368)),
        ("Val", "Rural", (2522,)),
        ("Val", "Urban", (3514,)),
    ):
        for number in numbers:
            image = f"{part}/{scene}/images_png/{number}.png"
            masks[image] = f"{part}/{scene}/masks_png/{number}.png"
            parts[image] = part.lower()
            ids = some_regions(rng, 8, 5, always=(0, 1 + number % 7))
            truth[image] = np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8)
            save(root / image, photo(rng))
            save(root / masks[image], ids)
    for number in (4191, 4192):
        save(root / f"Test/Rural/images_png/{number}.png", photo(rng))
    return Expected(truth, IDS, classes=(None,) * 7, masks=masks, void="either", parts=parts)


def potsdam(root: Path, rng: np.random.Generator) -> Expected:
    """Why: suffixes _RGB and _label in numbered folders, TIFF colours, world files, some pictures without labels."""
    truth, masks = {}, {}
    for place in ("2_10", "2_11", "3_10", "4_12", "5_10", "6_7", "7_13"):
        image = f"Potsdam/2_Ortho_RGB/top_potsdam_{place}_RGB.tif"
        save(root / image, photo(rng))
        write(root / image.replace(".tif", ".tfw"), "0.05\n0.0\n0.0\n-0.05\n366676.5\n5807399.5\n")
        if place == "7_13":
            continue
        masks[image] = f"Potsdam/5_Labels_all/top_potsdam_{place}_label.tif"
        truth[image] = regions(rng, 6)
        save(root / masks[image], paint(truth[image], ISPRS))
    return Expected(truth, COLOURS, classes=(None,) * 6, masks=masks)


def vaihingen(root: Path, rng: np.random.Generator) -> Expected:
    """Why: pictures and masks have the same names, heights (float TIFF) lie beside, pictures without truth are among them."""
    truth, masks = {}, {}
    for number, size in zip((1, 2, 3, 5, 7, 11, 13, 15), ((52, 64), (48, 60), (60, 44), (48, 64)) * 2, strict=True):
        name = f"area{number}.tif"
        image = f"top/top_mosaic_09cm_{name}"
        save(root / image, photo(rng, size))
        save(root / f"dsm/dsm_09cm_matching_{name}", photo(rng, size, channels=1).astype(np.float32) / 7 + 240)
        if number in (2, 15):
            continue
        masks[image] = f"gts_for_participants/top_mosaic_09cm_{name}"
        truth[image] = regions(rng, 6, size)
        save(root / masks[image], paint(truth[image], ISPRS))
    return Expected(truth, COLOURS, classes=(None,) * 6, masks=masks)


def uavid(root: Path, rng: np.random.Generator) -> Expected:
    """Why: Images and Labels within each sequence, the same names in all, black is a class (clutter), a test part without."""
    colours = [(0, 0, 0), (128, 0, 0), (128, 64, 128), (0, 128, 0), (128, 128, 0), (64, 0, 128), (192, 0, 192), (64, 64, 0)]
    truth, masks, groups = {}, {}, {}
    for folder in ("uavid_train/seq1", "uavid_train/seq2", "uavid_train/seq3", "uavid_val/seq16"):
        for frame in (0, 100):
            image = f"{folder}/Images/{frame:06d}.png"
            masks[image] = f"{folder}/Labels/{frame:06d}.png"
            groups[image] = folder
            truth[image] = some_regions(rng, 8, 5, always=(0, 1 + len(groups) % 7))
            save(root / image, photo(rng))
            save(root / masks[image], paint(truth[image], dict(enumerate(colours))))
    save(root / "uavid_test/seq21/Images/000000.png", photo(rng))
    return Expected(truth, COLOURS, classes=(None,) * 8, masks=masks, groups=groups, void="no")


def floodnet(root: Path, rng: np.random.Generator) -> Expected:
    """Why: JPEG 6279 and PNG 6279_lab, the part in both folder names (train/train-org-img), ids 0 to 9."""
    truth, masks, parts = {}, {}, {}
    for part, numbers in (("train", (6279, 6280, 6300, 6651)), ("val", (6412, 6420)), ("test", (6336, 6340))):
        for number in numbers:
            image = f"FloodNet-Supervised_v1.0/{part}/{part}-org-img/{number}.jpg"
            masks[image] = f"FloodNet-Supervised_v1.0/{part}/{part}-label-img/{number}_lab.png"
            parts[image] = part
            truth[image] = some_regions(rng, 10, 6, always=(len(truth) % 10, (len(truth) + 5) % 10))
            save(root / image, photo(rng))
            save(root / masks[image], truth[image])
    return Expected(truth, IDS, classes=(None,) * 10, masks=masks, parts=parts)


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
        massachusetts_buildings,
        massachusetts_roads,
        inria,
        deepglobe_road,
        deepglobe_land,
        landcover_ai,
        loveda,
        potsdam,
        vaihingen,
        uavid,
        floodnet,
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
