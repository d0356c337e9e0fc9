"""Sets seen from above in miniature: tiles, bands, colours, run lengths."""

from pathlib import Path

import numpy as np
from public_sets_drawing import (
    COLOURS,
    FILES,
    IDS,
    SIZE,
    VOID,
    Expected,
    grey3,
    lines,
    paint,
    photo,
    regions,
    save,
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
    )
}
