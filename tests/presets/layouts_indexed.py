"""Miniatures of the sets whose masks are pictures of ids, or a file for each class or thing."""

import json
from pathlib import Path

import numpy as np
from layouts_painted import CITYSCAPES
from scenes import draw_boxes, draw_patches, fill_boxes, photograph, save

CELEBA = (
    "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip", "hair", "hat",
    "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip


def write_camvid(folder: Path) -> None:
    """CamVid/{train,val,test}/SEQUENCE_FRAME.png with ids 0 to 11 in {train,val,test}annot, and lists with their authors' paths."""
    rng = np.random.default_rng(5)
    sequences = {
        "train": {"0001TP_{:06}": 6, "0006R0_f{:05}": 6, "0016E5_{:05}": 8},
        "val": {"0016E5_{:05}": 4},
        "test": {"0001TP_{:06}": 3, "Seq05VD_f{:05}": 3},
    }
    frame = 390
    for part, names in sequences.items():
        lines = []
        for pattern, number in names.items():
            for _ in range(number):
                frame += 30
                name = f"{pattern.format(frame)}.png"
                ids = draw_patches(rng, list(range(12)), (90, 120))
                save(folder / "CamVid" / part / name, photograph(rng, ids))
                save(folder / "CamVid" / f"{part}annot" / name, ids)
                lines.append(f"/SegNet/CamVid/{part}/{name} /SegNet/CamVid/{part}annot/{name}\n")
        (folder / "CamVid" / f"{part}.txt").write_text("".join(lines))


def write_cityscapes(folder: Path) -> None:
    """leftImg8bit/PART/CITY/..._leftImg8bit.png, and gtFine/PART/CITY/... with label ids, instance ids and colours."""
    rng = np.random.default_rng(6)
    cities = {"train": ("aachen", "bochum", "bremen", "cologne"), "val": ("frankfurt", "munster")}
    for part, names in cities.items():
        for city in names:
            for number in range(4):
                scene = f"{part}/{city}/{city}_{number:06}_000019"
                ids = draw_patches(rng, list(range(34)), (96, 192))
                save(folder / f"leftImg8bit/{scene}_leftImg8bit.png", photograph(rng, ids))
                save(folder / f"gtFine/{scene}_gtFine_labelIds.png", ids)
                save(folder / f"gtFine/{scene}_gtFine_instanceIds.png", ids)
                save(folder / f"gtFine/{scene}_gtFine_color.png", np.array(CITYSCAPES, np.uint8)[ids])
                outline = {"imgHeight": 96, "imgWidth": 192, "objects": []}
                (folder / f"gtFine/{scene}_gtFine_polygons.json").write_text(json.dumps(outline))


def write_oxford_pets(folder: Path) -> None:
    """images/NAME.jpg, annotations/trimaps/NAME.png of 1, 2 and 3 (and what a Mac left), lists with numbers behind the names."""
    rng = np.random.default_rng(7)
    breeds = (("Abyssinian", 1), ("pug", 2), ("Bengal", 1), ("great_pyrenees", 2))
    lines = {"trainval": "", "test": "", "list": "#Image CLASS-ID SPECIES BREED ID\n"}
    for number in range(29):
        breed, species = breeds[number % 4]
        name = f"{breed}_{number + 1}"
        outer = draw_boxes(rng, 1, (90, 120), grid=(1, 1))
        trimap = fill_boxes(outer, [3], (90, 120))
        top, left, bottom, right = outer[0]
        trimap[top + 4 : bottom - 4, left + 4 : right - 4] = 1
        trimap[trimap == 0] = 2
        shown = np.where(trimap == 2, 0, species).astype(np.uint8)
        save(folder / f"images/{name}.jpg", photograph(rng, shown), quality=92)
        save(folder / f"annotations/trimaps/{name}.png", trimap)
        (folder / f"annotations/trimaps/._{name}.png").write_bytes(b"Mac OS X        ")
        if number < 28:  # the lists leave pictures out
            line = f"{name} {number % 4 + 1} {species} 1\n"
            lines["list"] += line
            lines["trainval" if number < 22 else "test"] += line
    for name, text in lines.items():
        (folder / f"annotations/{name}.txt").write_text(text)


def write_celeba_mask(folder: Path) -> None:
    """CelebA-HQ-img/N.jpg, and half as large a file for each class in CelebAMask-HQ-mask-anno/K/0000N_CLASS.png."""
    rng = np.random.default_rng(8)
    top = folder / "CelebAMask-HQ"
    for number in [*range(18), 2000, 2017]:
        ids = draw_patches(rng, list(range(19)), (72, 108))
        save(top / f"CelebA-HQ-img/{number}.jpg", photograph(rng, ids.repeat(2, axis=0).repeat(2, axis=1)), quality=92)
        for value, name in enumerate(CELEBA, start=1):
            white = np.repeat((ids == value)[..., np.newaxis] * np.uint8(255), 3, axis=2)
            save(top / f"CelebAMask-HQ-mask-anno/{number // 2000}/{number:05}_{name}.png", white)


def write_data_science_bowl(folder: Path) -> None:
    """ID/images/ID.png with an alpha channel, and ID/masks/*.png, a file for each nucleus."""
    rng = np.random.default_rng(9)
    size = (80, 112)
    for _ in range(20):
        name = rng.bytes(16).hex()
        boxes = draw_boxes(rng, int(rng.integers(4, 9)), size)
        picture = photograph(rng, fill_boxes(boxes, [1] * len(boxes), size))
        save(folder / f"{name}/images/{name}.png", np.dstack([picture, np.full(size, 255, np.uint8)]))
        for box in boxes:
            save(folder / f"{name}/masks/{rng.bytes(16).hex()}.png", fill_boxes([box], [255], size))


def write_own(folder: Path) -> None:
    """images/NAME.jpg and masks/NAME.png of ids 0 and 1, and 255 for void."""
    rng = np.random.default_rng(16)
    size = (90, 120)
    for number in range(20):
        ids = fill_boxes(draw_boxes(rng, 4, size), [1, 1, 1, 255], size)
        save(folder / f"images/site_{number}.jpg", photograph(rng, ids), quality=92)
        save(folder / f"masks/site_{number}.png", ids)
