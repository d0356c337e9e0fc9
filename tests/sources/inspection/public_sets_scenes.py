"""Scenes in miniature: streets, rooms, façades, things and faces, with palettes, lists and class tables."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from public_sets_drawing import (
    COLOURS,
    FILES,
    IDS,
    SIZE,
    VOID,
    Expected,
    blob,
    grey3,
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
VOC = {1: (128, 0, 0), 7: (128, 128, 128), 8: (64, 0, 0), 12: (64, 0, 128), 15: (192, 128, 128), 255: (224, 224, 192)}
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
    return Expected(truth, frozenset({"composite"}), classes=(None,) * 12, parts=parts, agreement=0.85)


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


def voc_2012(root: Path, rng: np.random.Generator) -> Expected:
    """Why: palette with border 255, most pictures without masks, masks of objects beside those of classes, lists of bare names."""
    truth, masks, parts = {}, {}, {}
    base = "VOCdevkit/VOC2012"
    known = [0, 1, 7, 8, 12, 15]
    for number in range(14):
        name = f"2007_{32 + number * 7:06d}"
        image = f"{base}/JPEGImages/{name}.jpg"
        save(root / image, photo(rng))
        write(root / f"{base}/Annotations/{name}.xml", "<annotation><object><name>cat</name></object></annotation>\n")
        if number > 7:
            continue
        parts[image] = "train" if number < 5 else "val"
        masks[image] = f"{base}/SegmentationClass/{name}.png"
        objects = things(rng, 3)
        classes = np.array([0, known[1 + number % 5], known[1 + (number + 1) % 5], known[1 + number % 5]], np.uint8)[objects]
        border = (np.pad(objects, 1)[2:, 1:-1] > 0) & (objects == 0)
        save_palette(root / masks[image], np.where(border, 255, classes).astype(np.uint8), VOC)
        numbered = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 255: (224, 224, 192)}
        save_palette(root / f"{base}/SegmentationObject/{name}.png", np.where(border, 255, objects).astype(np.uint8), numbered)
        truth[image] = np.where(border, VOID, np.searchsorted(known, classes)).astype(np.uint8)
    stems = {part: [Path(image).stem for image in truth if parts[image] == part] for part in ("train", "val")}
    for part, some in (*stems.items(), ("trainval", stems["train"] + stems["val"])):
        write(root / f"{base}/ImageSets/Segmentation/{part}.txt", "\n".join(some) + "\n")
    write(root / f"{base}/ImageSets/Main/cat_train.txt", "".join(f"{stem} -1\n" for stem in stems["train"]) + "2008_000008  1\n")
    return Expected(truth, IDS, classes=(None,) * 6, masks=masks, void="yes", parts=parts, asks="may")


def voc_reduced(root: Path, rng: np.random.Generator) -> Expected:
    """Why: VOC with half the pictures thrown away: lists name missing pictures, which is worth a word and no more."""
    expected = voc_2012(root, rng)
    gone = list(expected.truth)[::3]
    for image in gone:
        (root / image).unlink()
        (root / expected.masks[image]).unlink()
    kept = {image: mask for image, mask in expected.truth.items() if image not in gone}
    masks = {image: mask for image, mask in expected.masks.items() if image in kept}
    return replace(expected, truth=kept, masks=masks, most=6)


def ade20k(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids to 150 with 0 for everything else, images/training beside annotations/training, a table of names and no colours."""
    names = {
        1: "wall",
        2: "building, edifice",
        3: "sky",
        4: "floor, flooring",
        5: "tree",
        6: "ceiling",
        7: "road, route",
        150: "flag",
    }
    known = [0, *names]
    truth, masks, parts = {}, {}, {}
    for part, prefix, numbers in (("training", "train", range(1, 7)), ("validation", "val", range(1, 3))):
        for number in numbers:
            image = f"ADEChallengeData2016/images/{part}/ADE_{prefix}_{number:08d}.jpg"
            masks[image] = image.replace("/images/", "/annotations/").replace(".jpg", ".png")
            parts[image] = prefix
            chosen = some_regions(rng, 9, 5, always=(0, number, 8))
            truth[image] = np.where(chosen == 0, VOID, chosen - np.uint8(1)).astype(np.uint8)
            save(root / image, photo(rng))
            save(root / masks[image], np.array(known, np.uint8)[chosen])
    rows = [f"{number}\t0.{1000 - number}\t11664\t1172\t{name}\t\t" for number, name in names.items()]
    rows[7:7] = [f"{number}\t0.01\t10\t1\tthing {number}\t\t" for number in range(8, 150)]
    write(root / "ADEChallengeData2016/objectInfo150.txt", "Idx\tRatio\tTrain\tVal\tName\n" + "\n".join(rows) + "\n")
    write(root / "ADEChallengeData2016/sceneCategories.txt", "ADE_train_00000001 airport_terminal\n")
    return Expected(truth, IDS, classes=tuple(names.values()), masks=masks, void="either", parts=parts, most=151)


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


def duts(root: Path, rng: np.random.Generator) -> Expected:
    """Why: soft edges: every grey occurs between 0 and 255, none of them is a class; folders DUTS-TR-Image and DUTS-TR-Mask."""
    truth, masks, parts = {}, {}, {}
    for set_name, part, numbers in (("DUTS-TR", "train", range(6)), ("DUTS-TE", "test", range(6, 9))):
        for number in numbers:
            name = f"ILSVRC2012_test_{number * 13 + 4:08d}"
            image = f"{set_name}/{set_name}-Image/{name}.jpg"
            masks[image] = f"{set_name}/{set_name}-Mask/{name}.png"
            parts[image] = part
            truth[image] = blob(rng)
            save(root / image, photo(rng))
            save(root / masks[image], cv2.GaussianBlur(truth[image] * 255, (0, 0), 0.8))
    return Expected(truth, FILES, masks=masks, agreement=0.96)


def lfw_parts(root: Path, rng: np.random.Generator) -> Expected:
    """Why: PPM in pure red, green and blue in one folder, photos in a folder a person, many of them without masks."""
    truth, masks, rows = {}, {}, []
    people = ("Aaron_Peirsol", "Adam_Sandler", "Aitor_Gonzalez", "Al_Sharpton", "Alan_Ball", "Ali_Naimi", "Zico")
    for number, person in enumerate(people):
        for take in (1, 2):
            image = f"lfw_funneled/{person}/{person}_{take:04d}.jpg"
            save(root / image, photo(rng, (52, 52)))
            if take == 2 and number % 3:
                continue
            masks[image] = f"parts_lfw_funneled_gt_images/{person}_{take:04d}.ppm"
            truth[image] = regions(rng, 3, (52, 52))
            save(root / masks[image], paint(truth[image], {0: (255, 0, 0), 1: (0, 255, 0), 2: (0, 0, 255)}))
            rows.append(f"{person} {take}")
    write(root / "parts_train.txt", f"{len(rows)}\n" + "\n".join(rows) + "\n")
    return Expected(truth, COLOURS, classes=(None,) * 3, masks=masks)


def celebamask_hq(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a file a part (0/00000_hair.png), half the photo's size, numbers with and without zeros, parts that overlap."""
    names = ("skin", "nose", "l_eye", "hair", "u_lip", "neck")
    truth = {}
    rows, columns = np.mgrid[:48, :48]
    for number in range(6):
        ids = regions(rng, 4, (48, 48))
        skin = blob(rng, (48, 48), part=0.5) > 0
        nose = (abs(rows - 26) < 4) & (abs(columns - 24) < 3)
        eye = (abs(rows - 16) < 3) & (abs(columns - 16) < 4)
        lip = (abs(rows - 36) < 2) & (abs(columns - 24) < 6)
        parts = (skin | nose | eye | lip, nose, eye, (ids == 1) & ~skin & ~nose, lip, (rows > 42) & ~skin)
        for name, part in zip(names, parts, strict=True):
            if part.any():
                path = root / f"CelebAMask-HQ/CelebAMask-HQ-mask-anno/{number // 3}/{number:05d}_{name}.png"
                save(path, grey3(part * np.uint8(255)))
        image = f"CelebAMask-HQ/CelebA-HQ-img/{number}.jpg"
        truth[image] = np.stack([part.repeat(2, 0).repeat(2, 1) for part in parts])
        save(root / image, photo(rng, (96, 96)))
    write(root / "CelebAMask-HQ/CelebA-HQ-to-CelebA-mapping.txt", "idx\torig_idx\torig_file\n0\t119613\t119614.jpg\n")
    write(root / "CelebAMask-HQ/README.txt", "CelebAMask-HQ Dataset\n")
    return Expected(truth, frozenset({"layers"}), classes=names, resized=True, agreement=0.99)


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
        voc_2012,
        voc_reduced,
        ade20k,
        kitti_road,
        duts,
        lfw_parts,
        celebamask_hq,
    )
}
