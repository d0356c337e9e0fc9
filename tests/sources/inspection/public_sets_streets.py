"""Streets and facades in miniature: colours, ids, composites, class tables, lists."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from public_sets_drawing import (
    COLOURS,
    IDS,
    SIZE,
    VOID,
    Expected,
    blob,
    paint,
    photo,
    regions,
    save,
    save_palette,
    some_regions,
    things,
    write,
)

CAMVID = {
    "Animal": (64, 128, 64),
    "Archway": (192, 0, 128),
    "Bicyclist": (0, 128, 192),
    "Bridge": (0, 128, 64),
    "Building": (128, 0, 0),
    "Car": (64, 0, 128),
    "CartLuggagePram": (64, 0, 192),
    "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128),
    "Fence": (64, 64, 128),
    "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64),
    "Misc_Text": (128, 128, 64),
    "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64),
    "ParkingBlock": (64, 192, 128),
    "Pedestrian": (64, 64, 0),
    "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192),
    "Sidewalk": (0, 0, 192),
    "SignSymbol": (192, 128, 128),
    "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192),
    "TrafficCone": (0, 0, 64),
    "TrafficLight": (0, 64, 64),
    "Train": (192, 64, 128),
    "Tree": (128, 128, 0),
    "Truck_Bus": (192, 128, 192),
    "Tunnel": (64, 0, 64),
    "VegetationMisc": (192, 192, 0),
    "Void": (0, 0, 0),
    "Wall": (64, 192, 0),
}
VOID_NUMBER = list(CAMVID).index("Void")
CITY = {
    4: (0, 0, 0),
    7: (128, 64, 128),
    8: (244, 35, 232),
    11: (70, 70, 70),
    21: (107, 142, 35),
    23: (70, 130, 180),
    26: (0, 0, 142),
}
FACADE = [(0, 0, 222), (0, 48, 255), (0, 128, 255), (0, 207, 255), (32, 255, 224), (112, 255, 142), (192, 255, 63), (255, 240, 0)]
FACADE += [(255, 159, 0), (255, 80, 0), (255, 0, 0), (174, 0, 0)]


def _camvid(root: Path, rng: np.random.Generator, name: str) -> tuple[Expected, dict[int, tuple[int, int, int]]]:
    """Return 32 numbers painted in `name`_L.png beside photos in `name`.png, for the two copies that hold CamVid in colours."""
    truth, masks = {}, {}
    colours = dict(enumerate(CAMVID.values()))
    frames = ["0001TP_006690", "0001TP_006720", "0006R0_f00930", "0006R0_f00960", "0016E5_00390", "0016E5_00420", "Seq05VD_f00000"]
    for number, frame in enumerate(frames):
        part = ("train", "train", "train", "train", "val", "test", "test")[number]
        image = name.format(part=part, kind="", frame=frame)
        masks[image] = name.format(part=part, kind="labels", frame=f"{frame}_L")
        ids = some_regions(rng, 32, 6, always=(4, 17, 21, VOID_NUMBER))
        truth[image] = np.where(ids == VOID_NUMBER, VOID, ids - (ids > VOID_NUMBER)).astype(np.uint8)
        save(root / image, photo(rng))
        save(root / masks[image], paint(ids, colours))
    names = tuple(entry for entry in CAMVID if entry != "Void")
    return Expected(truth, COLOURS, classes=names, masks=masks, void="yes"), colours


def camvid_kaggle(root: Path, rng: np.random.Generator) -> Expected:
    """Why: train beside train_labels, _L behind mask names, a table of 32 classes of which few occur, one of them Void."""
    expected, _ = _camvid(root, rng, "CamVid/{part}/{kind}/{frame}.png")
    for part in ("train", "val", "test"):
        (root / f"CamVid/{part}/labels").rename(root / f"CamVid/{part}_labels")
    masks = {image: mask.replace("/labels/", "_labels/") for image, mask in expected.masks.items()}
    pictures = {image: image.replace("//", "/") for image in masks}
    write(root / "CamVid/class_dict.csv", "name,r,g,b\n" + "\n".join(f"{n},{r},{g}, {b}" for n, (r, g, b) in CAMVID.items()) + "\n")
    truth = {pictures[image]: mask for image, mask in expected.truth.items()}
    parts = {image: image.split("/")[1] for image in truth}
    return replace(expected, truth=truth, masks={pictures[image]: mask for image, mask in masks.items()}, parts=parts)


def camvid_original(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the first release: folder names that share nothing, label_colors.txt with the colour first and tabs before the name."""
    expected, _ = _camvid(root, rng, "{kind}all/{frame}.png")
    (root / "all").rename(root / "701_StillsRaw_full")
    (root / "labelsall").rename(root / "LabeledApproved_full")
    rows = [f"{r} {g} {b}\t{'	' if number % 3 else ''}{name}" for number, (name, (r, g, b)) in enumerate(CAMVID.items())]
    write(root / "label_colors.txt", "\n".join(rows) + "\n")
    pictures = {image: image.replace("all/", "701_StillsRaw_full/") for image in expected.truth}
    masks = {pictures[image]: mask.replace("labelsall/", "LabeledApproved_full/") for image, mask in expected.masks.items()}
    return replace(expected, truth={pictures[image]: mask for image, mask in expected.truth.items()}, masks=masks)


def camvid_segnet(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids, folders trainannot, lists with a pair a line whose absolute paths come from another machine."""
    truth, masks, parts = {}, {}, {}
    for part, numbers in (("train", range(5)), ("val", range(5, 7)), ("test", range(7, 9))):
        rows = []
        for number in numbers:
            image = f"CamVid/{part}/0001TP_{6690 + 30 * number:06d}.png"
            masks[image] = image.replace(f"/{part}/", f"/{part}annot/")
            parts[image] = part
            ids = some_regions(rng, 12, 6, always=(11, number, (number + 4) % 11))
            truth[image] = np.where(ids == 11, VOID, ids).astype(np.uint8)
            save(root / image, photo(rng))
            save(root / masks[image], ids)
            rows.append(f"/SegNet/{image} /SegNet/{masks[image]}")
        write(root / f"CamVid/{part}.txt", "\n".join(rows) + "\n")
    return Expected(truth, IDS, classes=(None,) * 11, masks=masks, void="either", parts=parts)


def cityscapes(root: Path, rng: np.random.Generator) -> Expected:
    """Why: three masks and a JSON a picture, two trees, a folder a city; ids, the same in RGBA colours, instances in 16 bits."""
    truth, masks, painted, parts = {}, {}, {}, {}
    known = list(CITY)
    for part, city, numbers in (("train", "aachen", (0, 1, 2)), ("train", "bochum", (0, 1)), ("val", "frankfurt", (0, 1))):
        for number in numbers:
            name = f"{part}/{city}/{city}_{number:06d}_000019"
            image = f"leftImg8bit/{name}_leftImg8bit.png"
            masks[image] = f"gtFine/{name}_gtFine_labelIds.png"
            painted[image] = f"gtFine/{name}_gtFine_color.png"
            parts[image] = part
            ids = np.array(known, np.uint8)[some_regions(rng, 7, 5, always=(0, 1, 1 + number))]
            truth[image] = np.where(ids == 4, VOID, np.searchsorted(known, ids) - 1).astype(np.uint8)
            save(root / image, photo(rng))
            save(root / masks[image], ids)
            save(root / painted[image], np.dstack([paint(ids, CITY), np.full(SIZE, 255, np.uint8)]))
            instances = np.where(ids == 26, things(rng, 5) + np.uint16(26000), ids).astype(np.uint16)
            save(root / masks[image].replace("labelIds", "instanceIds"), instances)
            outline = {"imgHeight": SIZE[0], "imgWidth": SIZE[1], "objects": [{"label": "road", "polygon": [[0, 30], [63, 30]]}]}
            write(root / f"gtFine/{name}_gtFine_polygons.json", json.dumps(outline))
    save(root / "leftImg8bit/test/berlin/berlin_000000_000019_leftImg8bit.png", photo(rng))
    write(root / "README", "The Cityscapes Dataset\n")
    write(root / "license.txt", "This dataset is made freely available\n")
    as_ids = Expected(truth, IDS, classes=(None,) * 6, masks=masks, void="either", parts=parts, asks="may")
    return replace(as_ids, alternatives=(replace(as_ids, forms=COLOURS, masks=painted),))


def cityscapes_pairs(root: Path, rng: np.random.Generator) -> Expected:
    """Why: photo left, colours right in one JPEG; no name says so."""
    truth, parts = {}, {}
    colours = {number: colour for number, colour in enumerate(CITY.values()) if number}
    for part, numbers in (("train", range(1, 7)), ("val", range(1, 3))):
        for number in numbers:
            image = f"cityscapes_data/{part}/{number}.jpg"
            truth[image] = regions(rng, 6, (64, 64))
            parts[image] = part
            painted = paint(truth[image] + 1, colours)
            save(root / image, np.hstack([photo(rng, (64, 64)), painted]), quality=92, subsampling=0)
    return Expected(truth, frozenset({"composite"}), classes=(None,) * 6, parts=parts, agreement=0.9)


def facades(root: Path, rng: np.random.Generator) -> Expected:
    """Why: twelve colours close to each other in a composite JPEG with halved colour resolution; three parts."""
    truth, parts = {}, {}
    for part, numbers in (("train", range(1, 8)), ("val", range(1, 3)), ("test", range(1, 3))):
        for number in numbers:
            image = f"facades/{part}/{number}.jpg"
            truth[image] = some_regions(rng, 12, 5, always=(len(truth), (len(truth) + 6) % 12), size=(96, 96))
            parts[image] = part
            save(root / image, np.hstack([photo(rng, (96, 96)), paint(truth[image], dict(enumerate(FACADE)))]), quality=90)
    return Expected(truth, frozenset({"composite"}), classes=(None,) * 12, parts=parts, agreement=0.9)


def cmp_base(root: Path, rng: np.random.Generator) -> Expected:
    """Why: cmp_b0001.jpg, .png (palette, from 1) and .xml in one folder; label_names.txt lies beside."""
    truth, masks = {}, {}
    palette = dict(enumerate(FACADE, start=1))
    for number in range(1, 9):
        image = f"base/cmp_b{number:04d}.jpg"
        masks[image] = image.replace(".jpg", ".png")
        truth[image] = some_regions(rng, 12, 5, always=(number - 1, (number + 3) % 12))
        save(root / image, photo(rng))
        save_palette(root / masks[image], truth[image] + np.uint8(1), palette)
        write(
            root / image.replace(".jpg", ".xml"),
            "<object>\n<points>\n<x>0.1</x>\n</points>\n<labelname>window</labelname>\n</object>\n",
        )
    names = "background facade window door cornice sill balcony blind deco molding pillar shop".split()  # noqa: SIM905
    write(root / "label_names.txt", "\n".join(f"{number} {name}" for number, name in enumerate(names, start=1)) + "\n")
    return Expected(truth, IDS | COLOURS, classes=(None,) * 12, masks=masks)


def kitti_road(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the kind stands within the mask's name (um_000000, um_road_000000), lanes beside roads, magenta on red, calibrations."""
    truth, masks = {}, {}
    for prefix, number in (("um", 0), ("um", 1), ("umm", 0), ("umm", 1), ("uu", 0), ("uu", 1)):
        image = f"data_road/training/image_2/{prefix}_{number:06d}.png"
        masks[image] = f"data_road/training/gt_image_2/{prefix}_road_{number:06d}.png"
        truth[image] = blob(rng, part=0.4)
        colours = {0: (255, 0, 0), 1: (255, 0, 255)}
        save(root / image, photo(rng))
        save(root / masks[image], paint(truth[image], colours))
        if prefix == "um":
            save(root / f"data_road/training/gt_image_2/um_lane_{number:06d}.png", paint(blob(rng, part=0.2), colours))
        write(root / f"data_road/training/calib/{prefix}_{number:06d}.txt", "P0: 7.215377000000e+02 0.000000000000e+00\n")
        save(root / f"data_road/testing/image_2/{prefix}_{number:06d}.png", photo(rng))
    return Expected(truth, COLOURS, masks=masks, asks="may")


SETS = {
    build.__name__: build
    for build in (
        camvid_kaggle,
        camvid_original,
        camvid_segnet,
        cityscapes,
        cityscapes_pairs,
        facades,
        cmp_base,
        kitti_road,
    )
}
