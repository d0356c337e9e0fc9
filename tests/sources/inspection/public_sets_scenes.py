"""Scenes in miniature: streets, rooms, façades, things and faces, with palettes, lists and class tables."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from public_sets_drawing import (
    COLOURS,
    FILES,
    IDS,
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

VOC = {1: (128, 0, 0), 7: (128, 128, 128), 8: (64, 0, 0), 12: (64, 0, 128), 15: (192, 128, 128), 255: (224, 224, 192)}


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
        voc_2012,
        voc_reduced,
        ade20k,
        duts,
        lfw_parts,
        celebamask_hq,
    )
}
