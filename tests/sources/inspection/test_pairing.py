"""Miniature trees after the public sets that people have: which files pair, and by which patterns."""

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskmill.sources.inspection.pairing import propose_pairings
from maskmill.sources.inspection.proposals import find_rivals
from maskmill.sources.pairing import pair_by_fields, pair_single
from maskmill.sources.tree import read_tree

HEIGHT, WIDTH = 16, 24
PALETTE = np.array([[0, 0, 0], [200, 30, 40], [20, 160, 60], [240, 220, 10]], np.uint8)


def draw_photo(random):
    slope = np.linspace(40, 160, WIDTH)[None, :, None] + random.integers(0, 60, 3)
    return np.clip(slope + random.normal(0, 18, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)


def draw_ids(random):
    ids = np.zeros((HEIGHT, WIDTH), np.uint8)
    for value in (1, 2, 3):
        top, left = random.integers(0, HEIGHT - 6), random.integers(0, WIDTH - 9)
        ids[top : top + 6, left : left + 9] = value
    return ids


def draw_binary(random):
    return np.where(draw_ids(random) == 3, 255, 0).astype(np.uint8)


def draw_view(_):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.where((rows - 7.5) ** 2 / 60 + (columns - 11.5) ** 2 / 130 < 1, 255, 0).astype(np.uint8)


def draw_large(random):
    return np.tile(draw_photo(random), (4, 4, 1))


DRAWERS = {
    "photo": draw_photo,
    "grey": lambda random: draw_photo(random)[..., 0],
    "ids": draw_ids,
    "colours": lambda random: PALETTE[draw_ids(random)],
    "binary": draw_binary,
    "view": draw_view,
    "composite": lambda random: np.hstack([draw_large(random), enlarge(PALETTE[draw_ids(random)])]),
    "reversed": lambda random: np.hstack([enlarge(PALETTE[draw_ids(random)]), draw_large(random)]),
}


SAVING = {".jpg": {"quality": 95, "subsampling": 0}}


def enlarge(picture):
    return picture.repeat(4, axis=0).repeat(4, axis=1)


@dataclass
class Case:
    """A tree and what it should be read as.

    Args:
        files: what to draw -> paths.
        pairs: picture -> mask or masks, written by hand.
        texts: text files.
        parts: expected count of each part.
    """

    name: str
    files: dict[str, list[str]]
    pairs: dict[str, str | list[str]]
    images: str
    masks: str | None
    texts: dict[str, str] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    group: str | None = None
    layout: str = "separate"
    alone: int = 0
    missing: int = 0
    rivals: int = 1


def make(root: Path, case: Case) -> None:
    for kind, paths in case.files.items():
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(DRAWERS[kind](np.random.default_rng(zlib.crc32(path.encode())))).save(
                root / path, **SAVING.get(Path(path).suffix, {})
            )
    for path, text in case.texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def fill(template: str, *values: object) -> list[str]:
    return [template.format(*(value if isinstance(value, tuple) else (value,))) for value in values]


def pair(images: str, masks: str, *values: object) -> dict[str, str | list[str]]:
    return dict(zip(fill(images, *values), fill(masks, *values), strict=True))


IDS = ("cju0qkwl35piu", "cju1b75x63ddl", "cju2zr3c3vwde", "cju8ccpvmgrui", "ck2bxiswtxuwt")
HASHES = [f"{zlib.crc32(str(n).encode()):08x}{zlib.crc32(str(-n - 1).encode()):08x}" for n in range(60)]
CARS = [(car, view) for car in ("0cdf5b5d0ce1", "fff9b3a5373f", "5df60cf7cab2") for view in ("01", "02", "03")]
STREETS = [
    (split, city, f"{sequence:06d}", f"{frame:06d}")
    for split, city in (("train", "aachen"), ("train", "bochum"), ("val", "lindau"))
    for sequence in (0, 1)
    for frame in (19, 38)
]
FRAMES = [("train", "0001TP", n) for n in (6690, 6720, 6750)] + [("train", "0006R0", n) for n in (930, 960, 990)]
FRAMES += [("val", "0016E5", n) for n in (390, 420, 450)]
TILES = [(tile, part) for tile in range(1, 6) for part in range(1, 4)]
NUMBERS = tuple(range(1, 9))
EYES = [(n, side) for n in range(1, 8) for side in "LR"]
YEARS = ("2007_000032", "2007_000039", "2008_000123", "2009_001444", "2010_000002", "2011_003271")
PETS = ("Abyssinian_1", "Abyssinian_100", "Abyssinian_102", "beagle_1", "beagle_12", "beagle_100")
PATIENTS = [
    (patient, n) for patient in ("TCGA_CS_4941_19960909", "TCGA_DU_5851_19950428", "TCGA_HT_7473_19970826") for n in (1, 2, 10)
]

TOWNS = ("austin1", "austin2", "chicago1", "vienna1", "vienna2")
LOVEDA = [
    ("Train", "Rural", 0),
    ("Train", "Rural", 1),
    ("Train", "Urban", 1366),
    ("Train", "Urban", 1367),
    ("Val", "Rural", 2522),
    ("Val", "Urban", 3514),
]
ROADS = [
    ("train", "22678915_15"),
    ("train", "22678930_15"),
    ("train", "22678945_15"),
    ("val", "22828990_15"),
    ("test", "23429080_15"),
]
BLOCKS = [(2, 10), (2, 11), (3, 10), (3, 11), (4, 10), (4, 11)]
WALLS = [("train", 1), ("train", 2), ("train", 3), ("val", 1), ("val", 2)]
ROOMS = [
    ("training", "train", 1),
    ("training", "train", 2),
    ("training", "train", 3),
    ("validation", "val", 1),
    ("validation", "val", 2),
]
SCANS = [(kind, n) for kind in ("benign", "malignant", "normal") for n in (1, 2, 3, 10)]

CASES = [
    Case(
        "kvasir",
        {"photo": fill("Kvasir-SEG/images/{}.jpg", *IDS), "binary": fill("Kvasir-SEG/masks/{}.jpg", *IDS)},
        pair("Kvasir-SEG/images/{}.jpg", "Kvasir-SEG/masks/{}.jpg", *IDS),
        "images/{name}.jpg",
        "masks/{name}.jpg",
        texts={"Kvasir-SEG/kavsir_bboxes.json": "{}"},
    ),
    Case(
        "isic",
        {
            "photo": [
                *fill("ISIC2018_Task1-2_Training_Input/ISIC_00000{}.jpg", *range(11, 17)),
                "ISIC2018_Task1-2_Test_Input/ISIC_0000099.jpg",
            ],
            "binary": fill("ISIC2018_Task1_Training_GroundTruth/ISIC_00000{}_segmentation.png", *range(11, 17)),
        },
        pair(
            "ISIC2018_Task1-2_Training_Input/ISIC_00000{}.jpg",
            "ISIC2018_Task1_Training_GroundTruth/ISIC_00000{}_segmentation.png",
            *range(11, 17),
        ),
        "ISIC2018_Task1-2_Training_Input/{name}.jpg",
        "ISIC2018_Task1_Training_GroundTruth/{name}_segmentation.png",
        texts={"ISIC2018_Task1-2_Training_Input/ATTRIBUTION.txt": "see the site", "LICENSE.txt": "CC-0"},
    ),
    Case(
        "carvana",
        {
            "photo": fill("train/{}_{}.jpg", *CARS) + fill("test/aa{}_{}.jpg", *CARS),
            "binary": fill("train_masks/{}_{}_mask.gif", *CARS),
        },
        pair("train/{}_{}.jpg", "train_masks/{}_{}_mask.gif", *CARS),
        "train/{scene}_{frame}.jpg",
        "train_masks/{scene}_{frame}_mask.gif",
        group="{scene}",
    ),
    Case(
        "drive",
        {
            "photo": fill("DRIVE/training/images/{}_training.tif", *range(21, 26))
            + fill("DRIVE/test/images/0{}_test.tif", *range(1, 6)),
            "binary": fill("DRIVE/training/1st_manual/{}_manual1.gif", *range(21, 26))
            + fill("DRIVE/test/1st_manual/0{}_manual1.gif", *range(1, 6))
            + fill("DRIVE/test/2nd_manual/0{}_manual2.gif", *range(1, 6)),
            "view": fill("DRIVE/training/mask/{}_training_mask.gif", *range(21, 26))
            + fill("DRIVE/test/mask/0{}_test_mask.gif", *range(1, 6)),
        },
        pair("DRIVE/training/images/{}_training.tif", "DRIVE/training/1st_manual/{}_manual1.gif", *range(21, 26))
        | pair("DRIVE/test/images/0{}_test.tif", "DRIVE/test/1st_manual/0{}_manual1.gif", *range(1, 6)),
        "{split}/images/{name}_{split}.tif",
        "{split}/1st_manual/{name}_manual1.gif",
        parts={"train": 5, "test": 5},
    ),
    Case(
        "chase",
        {
            "photo": fill("CHASEDB1/Image_{:02d}{}.jpg", *EYES),
            "binary": fill("CHASEDB1/Image_{:02d}{}_1stHO.png", *EYES) + fill("CHASEDB1/Image_{:02d}{}_2ndHO.png", *EYES),
        },
        pair("CHASEDB1/Image_{:02d}{}.jpg", "CHASEDB1/Image_{:02d}{}_1stHO.png", *EYES),
        "{name}.jpg",
        "{name}_1stHO.png",
        rivals=2,
    ),
    Case(
        "voc",
        {
            "photo": fill("VOC2012/JPEGImages/{}.jpg", *YEARS, "2012_000001", "2012_000002"),
            "colours": fill("VOC2012/SegmentationClass/{}.png", *YEARS) + fill("VOC2012/SegmentationObject/{}.png", *YEARS),
        },
        pair("VOC2012/JPEGImages/{}.jpg", "VOC2012/SegmentationClass/{}.png", *YEARS),
        "JPEGImages/{name}.jpg",
        "SegmentationClass/{name}.png",
        texts={
            "VOC2012/ImageSets/Segmentation/train.txt": "\n".join(YEARS[:4]),
            "VOC2012/ImageSets/Segmentation/val.txt": "\n".join(YEARS[4:]),
            "VOC2012/ImageSets/Segmentation/trainval.txt": "\n".join(YEARS),
            "VOC2012/ImageSets/Main/aeroplane_train.txt": "2012_000001 -1\n2012_000002  1\n",
        },
        parts={"train": 4, "val": 2},
        alone=2,
    ),
    Case(
        "cityscapes",
        {
            "photo": fill("leftImg8bit/{}/{}/{1}_{2}_{3}_leftImg8bit.png".replace("{}/{}", "{0}/{1}"), *STREETS),
            "colours": fill("gtFine/{0}/{1}/{1}_{2}_{3}_gtFine_color.png", *STREETS),
            "ids": fill("gtFine/{0}/{1}/{1}_{2}_{3}_gtFine_labelIds.png", *STREETS)
            + fill("gtFine/{0}/{1}/{1}_{2}_{3}_gtFine_instanceIds.png", *STREETS),
        },
        pair("leftImg8bit/{0}/{1}/{1}_{2}_{3}_leftImg8bit.png", "gtFine/{0}/{1}/{1}_{2}_{3}_gtFine_labelIds.png", *STREETS),
        "leftImg8bit/{split}/{folder}/{scene}_{frame}_leftImg8bit.png",
        "gtFine/{split}/{folder}/{scene}_{frame}_gtFine_labelIds.png",
        texts={"gtFine/train/aachen/aachen_000000_000019_gtFine_polygons.json": "{}"},
        parts={"train": 8, "val": 4},
        group="{scene}",
    ),
    Case(
        "camvid_folders",
        {"photo": fill("{}/{}_{:06d}.png", *FRAMES), "ids": fill("{}annot/{}_{:06d}.png", *FRAMES)},
        pair("{}/{}_{:06d}.png", "{}annot/{}_{:06d}.png", *FRAMES),
        "{split}/{scene}_{frame}.png",
        "{split}annot/{scene}_{frame}.png",
        texts={
            "train.txt": "".join(
                f"/SegNet/CamVid/{s}/{q}_{n:06d}.png /SegNet/CamVid/{s}annot/{q}_{n:06d}.png\n" for s, q, n in FRAMES[:6]
            )
        },
        parts={"train": 6, "val": 3},
        group="{scene}",
    ),
    Case(
        "camvid_original",
        {
            "photo": fill("CamVid/701_StillsRaw_full/{1}_{2:06d}.png", *FRAMES),
            "colours": fill("CamVid/LabeledApproved_full/{1}_{2:06d}_L.png", *FRAMES),
        },
        pair("CamVid/701_StillsRaw_full/{1}_{2:06d}.png", "CamVid/LabeledApproved_full/{1}_{2:06d}_L.png", *FRAMES),
        "701_StillsRaw_full/{scene}_{frame}.png",
        "LabeledApproved_full/{scene}_{frame}_L.png",
        texts={"CamVid/label_colors.txt": "64 128 64\tAnimal\n"},
        group="{scene}",
    ),
    Case(
        "salt",
        {
            "grey": fill("train/images/{}.png", *HASHES[:6]) + fill("test/images/{}.png", *HASHES[6:12]),
            "binary": fill("train/masks/{}.png", *HASHES[:6]),
        },
        pair("train/images/{}.png", "train/masks/{}.png", *HASHES[:6]),
        "train/images/{name}.png",
        "train/masks/{name}.png",
        texts={"depths.csv": "id,z\n" + "".join(f"{h},12\n" for h in HASHES[:12])},
    ),
    Case(
        "deepglobe",
        {
            "photo": fill("train/{}_sat.jpg", *range(119, 126)) + fill("valid/{}_sat.jpg", 3, 4) + fill("test/{}_sat.jpg", 7, 8),
            "colours": fill("train/{}_mask.png", *range(119, 126)),
        },
        pair("train/{}_sat.jpg", "train/{}_mask.png", *range(119, 126)),
        "train/{name}_sat.jpg",
        "train/{name}_mask.png",
        texts={"class_dict.csv": "name,r,g,b\nurban_land,0,255,255\n"},
    ),
    Case(
        "loveda",
        {
            "photo": fill(
                "{}/{}/images_png/{}.png",
                *LOVEDA,
            ),
            "ids": fill("{}/{}/masks_png/{}.png", *LOVEDA),
        },
        pair("{}/{}/images_png/{}.png", "{}/{}/masks_png/{}.png", *LOVEDA),
        "{split}/{folder}/images_png/{name}.png",
        "{split}/{folder}/masks_png/{name}.png",
        parts={"train": 4, "val": 2},
    ),
    Case(
        "massachusetts",
        {
            "photo": fill(
                "tiff/{}/{}.tiff",
                *ROADS,
            ),
            "binary": fill("tiff/{}_labels/{}.tif", *ROADS),
        },
        pair("tiff/{}/{}.tiff", "tiff/{}_labels/{}.tif", *ROADS),
        "{split}/{name}.tiff",
        "{split}_labels/{name}.tif",
        parts={"train": 3, "val": 1, "test": 1},
        texts={"metadata.csv": "a,b\n", "label_class_dict.csv": "name,r,g,b\nbackground,0,0,0\n"},
    ),
    Case(
        "dsb2018",
        {
            "photo": fill("stage1_train/{0}/images/{0}.png", *HASHES[:6]),
            "binary": [f"stage1_train/{HASHES[n]}/masks/{HASHES[6 + n * 3 + k]}.png" for n in range(6) for k in range(3)],
        },
        {
            f"stage1_train/{HASHES[n]}/images/{HASHES[n]}.png": sorted(
                f"stage1_train/{HASHES[n]}/masks/{HASHES[6 + n * 3 + k]}.png" for k in range(3)
            )
            for n in range(6)
        },
        "{folder}/images/{folder}.png",
        "{folder}/masks/*.png",
        texts={"stage1_train_labels.csv": "ImageId,EncodedPixels\n"},
        layout="layers",
    ),
    Case(
        "celeba",
        {
            "photo": fill("CelebA-HQ-img/{:05d}.jpg", *NUMBERS),
            "binary": [f"mask-anno/{n // 4}/{n:05d}_{part}.png" for n in NUMBERS for part in ("hair", "skin", "nose", "hat")],
        },
        {
            f"CelebA-HQ-img/{n:05d}.jpg": sorted(
                f"mask-anno/{n // 4}/{n:05d}_{part}.png" for part in ("hair", "skin", "nose", "hat")
            )
            for n in NUMBERS
        },
        "CelebA-HQ-img/{name}.jpg",
        "mask-anno/*/{name}_{class}.png",
        layout="layers",
    ),
    Case(
        "potsdam",
        {
            "photo": fill("2_Ortho_RGB/top_potsdam_{}_{}_RGB.tif", *BLOCKS),
            "colours": fill("5_Labels_all/top_potsdam_{}_{}_label.tif", *BLOCKS),
        },
        pair("2_Ortho_RGB/top_potsdam_{}_{}_RGB.tif", "5_Labels_all/top_potsdam_{}_{}_label.tif", *BLOCKS),
        "2_Ortho_RGB/{scene}_{frame}_RGB.tif",
        "5_Labels_all/{scene}_{frame}_label.tif",
        group="{scene}",
    ),
    Case(
        "vaihingen",
        {
            "photo": fill("top/top_mosaic_09cm_area{}.tif", *NUMBERS),
            "colours": fill("gts_for_participants/top_mosaic_09cm_area{}.tif", *NUMBERS),
        },
        pair("top/top_mosaic_09cm_area{}.tif", "gts_for_participants/top_mosaic_09cm_area{}.tif", *NUMBERS),
        "top/{name}.tif",
        "gts_for_participants/{name}.tif",
    ),
    Case(
        "inria",
        {
            "photo": [
                *fill("AerialImageDataset/train/images/{}.tif", *TOWNS),
                "AerialImageDataset/test/images/bellingham1.tif",
            ],
            "binary": fill("AerialImageDataset/train/gt/{}.tif", *TOWNS),
        },
        pair("AerialImageDataset/train/images/{}.tif", "AerialImageDataset/train/gt/{}.tif", *TOWNS),
        "train/images/{name}.tif",
        "train/gt/{name}.tif",
    ),
    Case(
        "pets",
        {"photo": fill("images/{}.jpg", *PETS), "ids": fill("annotations/trimaps/{}.png", *PETS)},
        pair("images/{}.jpg", "annotations/trimaps/{}.png", *PETS),
        "images/{name}.jpg",
        "annotations/trimaps/{name}.png",
        texts={
            "annotations/trainval.txt": "#Image CLASS-ID SPECIES BREED ID\n"
            + "".join(f"{name} 1 1 1\n" for name in (*PETS[:4], "gone_7")),
            "annotations/test.txt": "".join(f"{name} 1 1 1\n" for name in PETS[4:]),
            "annotations/list.txt": "x",
        },
        parts={"train": 4, "test": 2},
        missing=1,
    ),
    Case(
        "facades",
        {"composite": fill("facades/{}/{}.jpg", *WALLS)},
        pair("facades/{}/{}.jpg", "facades/{}/{}.jpg", *WALLS),
        "{split}/{name}.jpg",
        None,
        parts={"train": 3, "val": 2},
        layout="composite",
    ),
    Case(
        "ade20k",
        {
            "photo": fill(
                "images/{}/ADE_{}_0000000{}.jpg",
                *ROOMS,
            ),
            "ids": fill("annotations/{}/ADE_{}_0000000{}.png", *ROOMS),
        },
        pair("images/{}/ADE_{}_0000000{}.jpg", "annotations/{}/ADE_{}_0000000{}.png", *ROOMS),
        "images/{split}/{name}.jpg",
        "annotations/{split}/{name}.png",
        texts={"objectInfo150.txt": "Idx\tRatio\n"},
        parts={"train": 3, "val": 2},
    ),
    Case(
        "dubai",
        {
            "photo": fill("Semantic segmentation dataset/Tile {}/images/image_part_00{}.jpg", *TILES),
            "colours": fill("Semantic segmentation dataset/Tile {}/masks/image_part_00{}.png", *TILES),
        },
        pair(
            "Semantic segmentation dataset/Tile {}/images/image_part_00{}.jpg",
            "Semantic segmentation dataset/Tile {}/masks/image_part_00{}.png",
            *TILES,
        ),
        "{tile}/images/{name}.jpg",
        "{tile}/masks/{name}.png",
        texts={"Semantic segmentation dataset/classes.json": "{}"},
        group="{tile}",
    ),
    Case(
        "drone",
        {
            "photo": fill("dataset/original_images/{:03d}.jpg", *NUMBERS),
            "ids": fill("dataset/label_images_semantic/{:03d}.png", *NUMBERS),
            "colours": fill("RGB_color_image_masks/{:03d}.png", *NUMBERS),
        },
        pair("dataset/original_images/{:03d}.jpg", "dataset/label_images_semantic/{:03d}.png", *NUMBERS),
        "dataset/original_images/{name}.jpg",
        "dataset/label_images_semantic/{name}.png",
    ),
    Case(
        "stones",
        {"photo": fill("Image{:02d}.JPG", *NUMBERS), "binary": fill("Image{:02d}_label.jpg", *NUMBERS)},
        pair("Image{:02d}.JPG", "Image{:02d}_label.jpg", *NUMBERS),
        "{name}.jpg",
        "{name}_label.jpg",
    ),
    Case(
        "suffix_alone",
        {"photo": fill("{}.jpg", *IDS), "colours": fill("{}.png", *IDS)},
        pair("{}.jpg", "{}.png", *IDS),
        "{name}.jpg",
        "{name}.png",
    ),
    Case(
        "prefixes",
        {"photo": fill("data/img_{:03d}.png", *NUMBERS), "ids": fill("data/mask_{:03d}.png", *NUMBERS)},
        pair("data/img_{:03d}.png", "data/mask_{:03d}.png", *NUMBERS),
        "img_{name}.png",
        "mask_{name}.png",
    ),
    Case(
        "number_alone",
        {"photo": fill("image{}.png", *NUMBERS), "ids": fill("{}_mask.png", *NUMBERS)},
        pair("image{}.png", "{}_mask.png", *NUMBERS),
        "image{name}.png",
        "{name}_mask.png",
    ),
    Case(
        "folder_of_each",
        {"photo": fill("case {}/image.png", *NUMBERS), "ids": fill("case {}/mask.png", *NUMBERS)},
        pair("case {}/image.png", "case {}/mask.png", *NUMBERS),
        "{case}/image.png",
        "{case}/mask.png",
    ),
    Case(
        "names_say_nothing",
        {"photo": fill("b/{}.png", *IDS), "ids": fill("a/{}.png", *IDS)},
        pair("b/{}.png", "a/{}.png", *IDS),
        "b/{name}.png",
        "a/{name}.png",
    ),
    Case(
        "things_to_ignore",
        {
            "photo": fill("pictures/Größe ({}).jpeg", *NUMBERS) + fill("overlays/Größe ({}).png", *NUMBERS) + ["preview.png"],
            "colours": fill("Masken/größe ({}).PNG", *NUMBERS),
            "binary": fill("preds/Größe ({}).png", *NUMBERS),
        },
        pair("pictures/Größe ({}).jpeg", "Masken/größe ({}).PNG", *NUMBERS),
        "pictures/{name}.jpeg",
        "Masken/{name}.png",
        texts={"README.md": "read me", "weights.h5": "x"},
    ),
    Case(
        "several_suffixes",
        {"photo": [*fill("images/{}.jpg", *IDS[:3]), *fill("images/{}.png", *IDS[3:])], "ids": fill("masks/{}.png", *IDS)},
        pair("images/{}.jpg", "masks/{}.png", *IDS[:3]) | pair("images/{}.png", "masks/{}.png", *IDS[3:]),
        "images/{name}.*",
        "masks/{name}.png",
    ),
    Case(
        "busi",
        {
            "photo": fill("{0}/{0} ({1}).png", *SCANS),
            "binary": [*fill("{0}/{0} ({1})_mask.png", *SCANS), "benign/benign (2)_mask_1.png", "benign/benign (10)_mask_1.png"],
        },
        {
            f"{kind}/{kind} ({n}).png": (
                [f"{kind}/{kind} ({n})_mask.png"] + [f"{kind}/{kind} ({n})_mask_1.png"] * (kind == "benign" and n in (2, 10))
            )
            for kind, n in SCANS
        },
        "{folder}/{name}.png",
        "{folder}/{name}_mask*.png",
        layout="layers",
    ),
    Case(
        "patients",
        {"photo": fill("kaggle_3m/{0}/{0}_{1}.tif", *PATIENTS), "binary": fill("kaggle_3m/{0}/{0}_{1}_mask.tif", *PATIENTS)},
        pair("kaggle_3m/{0}/{0}_{1}.tif", "kaggle_3m/{0}/{0}_{1}_mask.tif", *PATIENTS),
        "{folder}/{scene}_{frame}.tif",
        "{folder}/{scene}_{frame}_mask.tif",
        texts={"kaggle_3m/data.csv": "Patient\n"},
        group="{scene}",
    ),
    Case(
        "layers_in_folders",
        {
            "photo": fill("images/IDRiD_{:02d}.jpg", *NUMBERS),
            "binary": [
                f"truth/{folder}/IDRiD_{n:02d}_{code}.tif"
                for n in NUMBERS
                for folder, code in (("1. Microaneurysms", "MA"), ("2. Haemorrhages", "HE"), ("3. Hard Exudates", "EX"))
            ],
        },
        {
            f"images/IDRiD_{n:02d}.jpg": [
                f"truth/{folder}/IDRiD_{n:02d}_{code}.tif"
                for folder, code in (("1. Microaneurysms", "MA"), ("2. Haemorrhages", "HE"), ("3. Hard Exudates", "EX"))
            ]
            for n in NUMBERS
        },
        "images/{name}.jpg",
        "truth/*/{name}_{class}.tif",
        layout="layers",
    ),
]


def relative(paths, root: Path):
    return sorted(path.relative_to(root).as_posix() for path in paths)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_public_sets_in_miniature(case, tmp_path):
    make(tmp_path, case)
    tree = read_tree(tmp_path)
    proposals = propose_pairings(tree)
    best = proposals[0]
    assert (best.images, best.masks, best.layout) == (case.images, case.masks, case.layout)
    expected = {image: [masks] if isinstance(masks, str) else masks for image, masks in case.pairs.items()}
    assert {sample.image: sorted(sample.masks) for sample in best.samples} == expected
    counts = {part: sum(sample.split == part for sample in best.samples) for part in ("train", "val", "test")}
    assert {part: count for part, count in counts.items() if count} == case.parts
    assert best.group == case.group
    assert len(best.pictures_without_mask) == case.alone
    assert len(best.missing) == case.missing
    assert len(find_rivals(proposals)) == case.rivals
    if case.alone:
        return
    if best.layout == "separate":
        accepted = pair_by_fields(tree, best.images, best.masks)
        assert {pair.image: pair.mask for pair in accepted} == {
            tmp_path / image: tmp_path / masks[0] for image, masks in expected.items()
        }
    elif best.layout == "composite":
        assert relative([pair.image for pair in pair_single(tree, best.images)], tmp_path) == sorted(expected)
