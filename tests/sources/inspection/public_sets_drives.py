"""Drives in miniature: ids beside colours beside instances, tables in JSON, a folder a drive."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from public_sets_drawing import (
    SIZE,
    VOID,
    Expected,
    hexadecimal,
    lines,
    paint,
    photo,
    save,
    save_deep,
    save_palette,
    some_regions,
    things,
    write,
)
from public_sets_making import ANY, Made, coloured, many_colours, two_values

VISTAS = {
    "Bird": ("animal--bird", (165, 42, 42)),
    "Curb": ("construction--barrier--curb", (196, 196, 196)),
    "Fence": ("construction--barrier--fence", (190, 153, 153)),
    "Road": ("construction--flat--road", (128, 64, 128)),
    "Building": ("construction--structure--building", (70, 70, 70)),
    "Person": ("human--person", (220, 20, 60)),
    "Sky": ("nature--sky", (70, 130, 180)),
    "Vegetation": ("nature--vegetation", (107, 142, 35)),
    "Car": ("object--vehicle--car", (0, 0, 142)),
    "Unlabeled": ("void--unlabeled", (0, 0, 0)),
}


def vistas(root: Path, rng: np.random.Generator) -> Expected:
    """Why: palette ids in labels, 16-bit label * 256 + number in instances, config.json with both names of a class and colours."""
    made, parts = Made(root, rng), {}
    palette = {n: colour for n, (_, colour) in enumerate(VISTAS.values())}
    for part, number in (("training", 6), ("validation", 3)):
        for index in range(number):
            name = hexadecimal(rng, 22)
            ids = some_regions(rng, 10, 5, always=(9, index, (index + 4) % 9))
            image, mask = f"{part}/images/{name}.jpg", f"{part}/labels/{name}.png"
            parts[image] = {"training": "train", "validation": "val"}[part]
            made.put(image, mask, np.where(ids == 9, VOID, ids).astype(np.uint8), None)
            save_palette(root / mask, ids, palette)
            save_deep(root / f"{part}/instances/{name}.png", ids.astype(np.uint16) * 256 + (ids == 8))
    save(root / "testing/images/abcdefghijklmnopqrstuv.jpg", photo(rng))
    labels = [
        {"color": list(colour), "instances": False, "readable": readable, "name": name, "evaluate": True}
        for readable, (name, colour) in VISTAS.items()
    ]
    write(
        root / "config.json", json.dumps({"labels": labels, "version": "1.1", "mapping": "public", "folder_structure": "{split}"})
    )
    readable = Expected(made.truth, ANY, classes=tuple(VISTAS)[:9], masks=made.masks, void="either", parts=parts, asks="may")
    return replace(readable, alternatives=(replace(readable, classes=tuple(name for name, _ in VISTAS.values())[:9]),))


def bdd100k(root: Path, rng: np.random.Generator) -> Expected:
    """Why: _train_id in labels and _train_color in color_labels, photos for which there are none, a test part."""
    made, painted, parts = Made(root, rng), {}, {}
    colours = {**many_colours(19), 255: (0, 0, 0)}
    for part, number in (("train", 6), ("val", 3)):
        for index in range(number):
            name = f"{hexadecimal(rng, 8)}-{hexadecimal(rng, 8)}"
            ids = some_regions(rng, 20, 6, always=(19, 2 * index, 2 * index + 1, (index + 13) % 19))
            truth = np.where(ids == 19, VOID, ids).astype(np.uint8)
            image = f"bdd100k/seg/images/{part}/{name}.jpg"
            parts[image] = part
            made.put(image, f"bdd100k/seg/labels/{part}/{name}_train_id.png", truth, truth)
            painted[image] = f"bdd100k/seg/color_labels/{part}/{name}_train_color.png"
            save(root / painted[image], np.dstack([paint(truth, colours), np.full(SIZE, 255, np.uint8)]))
    save(root / f"bdd100k/seg/images/train/{hexadecimal(rng, 8)}-{hexadecimal(rng, 8)}.jpg", photo(rng))
    save(root / f"bdd100k/seg/images/test/{hexadecimal(rng, 8)}-{hexadecimal(rng, 8)}.jpg", photo(rng))
    as_ids = Expected(made.truth, ANY, classes=(None,) * 19, masks=made.masks, void="either", parts=parts, asks="may")
    return replace(as_ids, alternatives=(replace(as_ids, masks=painted),))


def a2d2(root: Path, rng: np.random.Generator) -> Expected:
    """Why: `camera` and `label` stand in folders and in the middle of names; class_list.json maps hexadecimal colours to names."""
    made, groups = Made(root, rng), {}
    table = {
        "#ff0000": "Car 1",
        "#c80000": "Car 2",
        "#b6590f": "Bicycle 1",
        "#ff00ff": "RD normal street",
        "#87ceff": "Sky",
        "#93fdc2": "Nature object",
        "#f1e6ff": "Buildings",
        "#53ff00": "Traffic guide obj.",
        "#ffff00": "Irrelevant signs",
    }
    colours = [tuple(int(key[k : k + 2], 16) for k in (1, 3, 5)) for key in table]
    for drive in ("20180807_145028", "20180810_142822", "20181107_132730", "20181204_154421"):
        for number in (91, 135, 380):
            stamp = drive.replace("_", "")
            base = f"camera_lidar_semantic/{drive}"
            image = f"{base}/camera/cam_front_center/{stamp}_camera_frontcenter_{number:09d}.png"
            ids = some_regions(rng, 9, 5, always=(number % 9, len(groups) % 9))
            groups[image] = drive
            made.put(
                image, f"{base}/label/cam_front_center/{stamp}_label_frontcenter_{number:09d}.png", ids, coloured(*colours)(ids)
            )
            write(
                root / image.replace(".png", ".json"),
                json.dumps({"image_png": image.rsplit("/", maxsplit=1)[-1], "cam_name": "front_center"}),
            )
            (root / f"{base}/lidar/cam_front_center").mkdir(parents=True, exist_ok=True)
            (root / f"{base}/lidar/cam_front_center/{stamp}_lidar_frontcenter_{number:09d}.npz").write_bytes(b"PK\x03\x04")
    write(root / "camera_lidar_semantic/class_list.json", json.dumps(table, indent=2))
    return Expected(made.truth, ANY, classes=tuple(table.values()), masks=made.masks, groups=groups)


def idd_lite(root: Path, rng: np.random.Generator) -> Expected:
    """Why: _image.jpg, _label.png and _inst_label.png, a folder a drive, 255 void."""
    made, parts = Made(root, rng), {}
    for part, drives in (("train", (0, 1, 24)), ("val", (119, 14))):
        for drive in drives:
            for number in (24541, 24703, 25110):
                ids = some_regions(rng, 8, 5, always=(7, number % 7))
                truth = np.where(ids == 7, VOID, ids).astype(np.uint8)
                base = f"{part}/{drive}/{number + drive:06d}"
                image = f"idd20k_lite/leftImg8bit/{base}_image.jpg"
                parts[image] = part
                made.put(image, f"idd20k_lite/gtFine/{base}_label.png", truth, truth)
                instances = np.where(truth == 2, things(rng, 6) + 40, truth).astype(np.uint8)
                save(root / f"idd20k_lite/gtFine/{base}_inst_label.png", instances)
    save(root / "idd20k_lite/leftImg8bit/test/30/902541_image.jpg", photo(rng))
    return Expected(made.truth, ANY, classes=(None,) * 7, masks=made.masks, void="either", parts=parts, asks="may")


def apolloscape_lanes(root: Path, rng: np.random.Generator) -> Expected:
    """Why: trees that share nothing but what lies below Record001, spaces in folders, _bin behind the name, thin lines."""
    made, groups = Made(root, rng), {}
    colours = ((0, 0, 0), (70, 130, 180), (220, 20, 60), (128, 0, 128))
    for record in (1, 2, 3, 4):
        for camera in (5, 6):
            name = f"Record{record:03d}/Camera {camera}/170927_06381{record}{100 + camera}_Camera_{camera}"
            ids = np.zeros(SIZE, np.uint8)
            for value in (1, 2, 3):
                ids[lines(rng, thickness=3) > 0] = value
            image = f"ColorImage_road02/ColorImage/{name}.jpg"
            groups[image] = str(record)
            made.put(image, f"Labels_road02/Label/{name}_bin.png", ids, coloured(*colours)(ids))
    return Expected(made.truth, ANY, classes=(None,) * 4, masks=made.masks)


def tusimple_binary(root: Path, rng: np.random.Generator) -> Expected:
    """Why: frames and lane-masks, both JPEG, thin lines: noise is everywhere near the truth."""
    made = Made(root, rng)
    for number in range(8):
        lanes = lines(rng, thickness=3)
        made.put(f"training/frames/{number}.jpg", f"training/lane-masks/{number}.jpg", lanes, two_values(lanes), quality=80)
    for number in range(3):
        save(root / f"test/{number}.jpg", photo(rng))
    return Expected(made.truth, ANY, masks=made.masks, agreement=0.96)


def kitti_semantics(root: Path, rng: np.random.Generator) -> Expected:
    """Why: instance (16-bit), semantic (ids 0 to 33) and semantic_rgb beside image_2, the same names in all."""
    made, painted = Made(root, rng), {}
    known = np.array([4, 7, 8, 11, 21, 23, 26], np.uint8)
    for number in range(8):
        index = some_regions(rng, 7, 5, always=(0, 1 + number % 6))
        ids = known[index]
        name = f"{number:06d}_10.png"
        image = f"training/image_2/{name}"
        truth = np.where(index == 0, VOID, index - np.uint8(1)).astype(np.uint8)
        made.put(image, f"training/semantic/{name}", truth, ids)
        painted[image] = f"training/semantic_rgb/{name}"
        save(root / painted[image], paint(index, {0: (0, 0, 0), **{k: many_colours(9)[k] for k in range(1, 7)}}))
        save_deep(root / f"training/instance/{name}", ids.astype(np.uint16) * 256 + (ids == 26) * things(rng, 5))
        save(root / f"testing/image_2/{name}", photo(rng))
    as_ids = Expected(made.truth, ANY, classes=(None,) * 6, masks=made.masks, void="either", asks="may")
    return replace(as_ids, alternatives=(replace(as_ids, masks=painted),))


def synthia(root: Path, rng: np.random.Generator) -> Expected:
    """Why: LABELS are 16-bit RGB (class, instance, 0), COLOR 8-bit RGB, Depth 16-bit: the painted ones are readable."""
    made = Made(root, rng)
    for number in range(8):
        ids = some_regions(rng, 8, 5, always=(1 + number % 7, 0))
        name = f"{number:07d}.png"
        made.put(
            f"RAND_CITYSCAPES/RGB/{name}", f"RAND_CITYSCAPES/GT/COLOR/{name}", ids, paint(ids, {**many_colours(8), 0: (0, 0, 0)})
        )
        deep = np.stack([np.zeros(SIZE), things(rng, 5), ids], axis=-1).astype(np.uint16)
        path = root / f"RAND_CITYSCAPES/GT/LABELS/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", deep)[1].tobytes())
        save_deep(root / f"RAND_CITYSCAPES/Depth/{name}", photo(rng, channels=1).astype(np.uint16) * 200)
    truth = {image: np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8) for image, ids in made.truth.items()}
    return Expected(truth, ANY, classes=(None,) * 7, masks=made.masks, void="either", asks="may")


SETS = {
    build.__name__: build
    for build in (
        vistas,
        bdd100k,
        a2d2,
        idd_lite,
        apolloscape_lanes,
        tusimple_binary,
        kitti_semantics,
        synthia,
    )
}
