"""Pets, plants, cars, surfaces and cracks in miniature; and the twists of published sets, each alone."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from public_sets_drawing import (
    COLOURS,
    FILES,
    IDS,
    SIZE,
    VOID,
    Expected,
    blob,
    grey3,
    hexadecimal,
    lines,
    paint,
    photo,
    regions,
    run_lengths,
    save,
    save_deep,
    save_palette,
    things,
    write,
)


def oxford_pets(root: Path, rng: np.random.Generator) -> Expected:
    """Why: trimaps 1, 2, 3 two folders down, hidden ._ copies that are no pictures, lists with columns, boxes in XML, a .mat."""
    truth, masks = {}, {}
    pets = [
        ("Abyssinian", 1, 1, 1),
        ("Bengal", 6, 1, 2),
        ("beagle", 5, 2, 1),
        ("boxer", 9, 2, 2),
        ("Sphynx", 34, 1, 12),
        ("pug", 26, 2, 18),
    ]
    rows = ["#Image CLASS-ID SPECIES BREED ID", "#ID: 1:37 Class ids"]
    for breed, number, species, breed_id in pets:
        for take in (1, 100):
            name = f"{breed}_{take}"
            image = f"images/{name}.jpg"
            masks[image] = f"annotations/trimaps/{name}.png"
            pet = blob(rng)
            border = cv2.dilate(pet, np.ones((3, 3), np.uint8)) - pet
            truth[image] = np.where(border > 0, VOID, pet).astype(np.uint8)
            save(root / image, photo(rng))
            save(root / masks[image], np.where(border > 0, 3, np.where(pet > 0, 1, 2)).astype(np.uint8))
            (root / f"annotations/trimaps/._{name}.png").write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X")
            write(root / f"annotations/xmls/{name}.xml", "<annotation></annotation>\n")
            rows.append(f"{name} {number} {species} {breed_id}")
    (root / "images/Abyssinian_1.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    write(root / "annotations/list.txt", "\n".join([*rows, "Egyptian_Mau_1 10 1 5"]) + "\n")
    write(root / "annotations/trainval.txt", "\n".join(rows[2:10]) + "\n")
    write(root / "annotations/test.txt", "\n".join(rows[10:]) + "\n")
    write(root / "annotations/README", "The dataset has 37 categories\n")
    parts = {f"images/{row.split()[0]}.jpg": "train" if place < 8 else "test" for place, row in enumerate(rows[2:])}
    return Expected(truth, IDS | {"trimap"}, masks=masks, void="either", parts=parts)


def carvana(root: Path, rng: np.random.Generator) -> Expected:
    """Why: GIF palettes of 0 and 1, _mask behind the name in another folder, the same as run lengths in a CSV, a test part."""
    truth, masks, rows, groups = {}, {}, ["img,rle_mask"], {}
    for car in ("00087a6bd4dc", "0cdf5b5d0ce1", "29bb3ece3180", "fff9b3a5373f"):
        for view in (1, 2):
            image = f"train/{car}_{view:02d}.jpg"
            masks[image] = f"train_masks/{car}_{view:02d}_mask.gif"
            groups[image] = car
            truth[image] = blob(rng)
            save(root / image, photo(rng))
            (root / "train_masks").mkdir(exist_ok=True)
            save_palette(root / "x.png", truth[image], {1: (255, 255, 255)})
            Image.open(root / "x.png").save(root / masks[image])
            (root / "x.png").unlink()
            rows.append(f"{car}_{view:02d}.jpg,{run_lengths(truth[image].T)}")
    for view in (1, 2, 3):
        save(root / f"test/0004d4463b50_{view:02d}.jpg", photo(rng))
    write(root / "train_masks.csv", "\n".join(rows) + "\n")
    write(root / "metadata.csv", "id,year,make,model,trim1,trim2\n0004d4463b50,2014,Acura,TL,TL,w/SE\n")
    return Expected(truth, FILES | {"rle"}, masks=masks, groups=groups)


def tgs_salt(root: Path, rng: np.random.Generator) -> Expected:
    """Why: 16-bit PNG masks of 0 and 65535, depths that look like a table, run lengths for the same, empty masks, a test part."""
    truth, masks, rows, depths = {}, {}, ["id,rle_mask"], ["id,z"]
    for number in range(8):
        name = hexadecimal(rng, 10)
        image = f"train/images/{name}.png"
        masks[image] = f"train/masks/{name}.png"
        truth[image] = blob(rng, (51, 51)) * np.uint8(number % 3 != 0)
        save(root / image, grey3(photo(rng, (51, 51), channels=1)))
        save_deep(root / masks[image], truth[image].astype(np.uint16) * 65535)
        rows.append(f"{name},{run_lengths(truth[image])}")
        depths.append(f"{name},{306 + number}")
    for _ in range(3):
        name = hexadecimal(rng, 10)
        save(root / f"test/images/{name}.png", grey3(photo(rng, (51, 51), channels=1)))
        depths.append(f"{name},911")
    write(root / "train.csv", "\n".join(rows) + "\n")
    write(root / "depths.csv", "\n".join(depths) + "\n")
    write(root / "sample_submission.csv", f"id,rle_mask\n{name},1 1\n")
    return Expected(truth, FILES | {"rle"}, masks=masks)


def severstal(root: Path, rng: np.random.Generator) -> Expected:
    """Why: run lengths with a class a row; pictures without a row have no defect; columns in another order in the dummy CSV."""
    truth, rows, flawless = {}, ["ImageId,ClassId,EncodedPixels"], []
    for number in range(8):
        name = f"{hexadecimal(rng, 9)}.jpg"
        save(root / f"train_images/{name}", photo(rng))
        ids = regions(rng, 5) * np.uint8(number < 6)
        truth[f"train_images/{name}"] = ids
        rows += [f"{name},{defect},{run_lengths(ids == defect)}" for defect in range(1, 5) if (ids == defect).any()]
        if number > 5:
            flawless.append(f"train_images/{name}")
    for _ in range(2):
        name = f"{hexadecimal(rng, 9)}.jpg"
        save(root / f"test_images/{name}", photo(rng))
    write(root / "train.csv", "\n".join(rows) + "\n")
    write(root / "sample_submission.csv", f"ImageId,EncodedPixels,ClassId\n{name},1 409600,0\n")
    return Expected(truth, frozenset({"rle"}), classes=(None,) * 5, optional=frozenset(flawless))


def crack500(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the same name with .jpg and .png in one folder a part; lists of pairs name them relative to the root."""
    truth, masks, parts = {}, {}, {}
    for part, numbers in (("train", range(5)), ("val", range(5, 7)), ("test", range(7, 9))):
        for number in numbers:
            image = f"CRACK500/{part}crop/20160222_08101{number}_1_361.jpg"
            masks[image] = image.replace(".jpg", ".png")
            parts[image] = part
            truth[image] = lines(rng, thickness=3)
            save(root / image, photo(rng))
            save(root / masks[image], truth[image] * 255)
        rows = [
            f"{image.removeprefix('CRACK500/')} {masks[image].removeprefix('CRACK500/')}" for image in truth if parts[image] == part
        ]
        write(root / f"CRACK500/{part}.txt", "\n".join(rows) + "\n")
    return Expected(truth, FILES, masks=masks, parts=parts)


def deepcrack(root: Path, rng: np.random.Generator) -> Expected:
    """Why: train_img beside train_lab and test_img beside test_lab; the part is a prefix of the folder's name."""
    truth, masks, parts = {}, {}, {}
    for part, names in (("train", ("11111", "11112", "11113", "11114-1", "IMG23-4")), ("test", ("11125-3", "IMG_6469-3"))):
        for name in names:
            image = f"DeepCrack/{part}_img/{name}.jpg"
            masks[image] = f"DeepCrack/{part}_lab/{name}.png"
            parts[image] = part
            truth[image] = lines(rng, thickness=3)
            save(root / image, photo(rng))
            save(root / masks[image], truth[image] * 255)
    return Expected(truth, FILES, masks=masks, parts=parts)


def magnetic_tiles(root: Path, rng: np.random.Generator) -> Expected:
    """Why: jpg and png of one name in MT_x/Imgs, a folder a kind of defect, black masks for the flawless, grey pictures."""
    truth, masks, kinds = {}, {}, {}
    for kind, name in enumerate(("MT_Blowhole", "MT_Break", "MT_Crack", "MT_Free")):
        for number in (108719, 237, 41):
            image = f"{name}/Imgs/exp{kind + 1}_num_{number}.jpg"
            masks[image] = image.replace(".jpg", ".png")
            truth[image] = blob(rng, part=0.08) * np.uint8(name != "MT_Free")
            kinds[image] = truth[image] * np.uint8(kind + 1)
            save(root / image, photo(rng, channels=1))
            save(root / masks[image], truth[image] * 255)
    write(root / "README.md", "This is the datasets of the paper\n")
    by_folder = Expected(kinds, FILES | {"layers"}, classes=(None,) * 4)
    return Expected(truth, FILES, masks=masks, alternatives=(by_folder,))


def kolektor(root: Path, rng: np.random.Generator) -> Expected:
    """Why: Part0.jpg and Part0_label.bmp in a folder an item, the same names in all, most masks black."""
    truth, masks, groups = {}, {}, {}
    for item in range(1, 6):
        for number in range(3):
            image = f"KolektorSDD/kos{item:02d}/Part{number}.jpg"
            masks[image] = f"KolektorSDD/kos{item:02d}/Part{number}_label.bmp"
            groups[image] = f"kos{item:02d}"
            truth[image] = lines(rng, thickness=2) * np.uint8(number == 1)
            save(root / image, photo(rng, channels=1))
            save(root / masks[image], truth[image] * 255)
    return Expected(truth, FILES, masks=masks, groups=groups)


def leaf_disease(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a palette PNG whose one value is 38, painted dark red: neither 1 nor 255."""
    truth, masks = {}, {}
    for number in range(7):
        image = f"data/images/{number:05d}.jpg"
        masks[image] = f"data/masks/{number:05d}.png"
        truth[image] = (things(rng, 6) > 0).astype(np.uint8)
        save(root / image, photo(rng))
        save_palette(root / masks[image], truth[image] * np.uint8(38), {38: (128, 0, 0)})
    return Expected(truth, IDS | COLOURS, masks=masks)


def carrot_weed(root: Path, rng: np.random.Generator) -> Expected:
    """Why: CWFID: 001_image, 001_mask (soil) and 001_annotation (crop green, weeds red): the annotation says more; it may ask."""
    truth, masks, plants, plain = {}, {}, {}, {}
    for number in range(1, 8):
        image = f"dataset-1.0/images/{number:03d}_image.png"
        masks[image] = f"dataset-1.0/annotations/{number:03d}_annotation.png"
        plain[image] = f"dataset-1.0/masks/{number:03d}_mask.png"
        ids = things(rng, 8)
        truth[image] = np.where(ids > 0, 1 + ids % 2, 0).astype(np.uint8)
        plants[image] = (ids > 0).astype(np.uint8)
        save(root / image, photo(rng))
        save(root / masks[image], paint(truth[image], {1: (0, 255, 0), 2: (255, 0, 0)}))
        save(root / plain[image], (1 - plants[image]) * np.uint8(255))
    write(root / "dataset-1.0/train_test_split.yaml", "train:\n- 1\n- 2\n- 3\n- 4\n- 5\ntest:\n- 6\n- 7\n")
    binary = Expected(plants, FILES, masks=plain)
    return Expected(truth, COLOURS, classes=(None,) * 3, masks=masks, asks="may", alternatives=(binary,))


def leaf_counting(root: Path, rng: np.random.Generator) -> Expected:
    """Why: CVPPP: _rgb, _label (leaves numbered in a palette) and _centers (single pixels), all PNG, in one folder."""
    truth, masks = {}, {}
    palette = {n: (n * 53 % 256, n * 97 % 256, n * 31 % 256) for n in range(1, 30)}
    for number in range(1, 9):
        image = f"A1/plant{number:03d}_rgb.png"
        masks[image] = f"A1/plant{number:03d}_label.png"
        ids = things(rng, int(rng.integers(8, 19)))
        truth[image] = (ids > 0).astype(np.uint8)
        centers = np.zeros(SIZE, np.uint8)
        for leaf in range(1, ids.max() + 1):
            rows, columns = np.nonzero(ids == leaf)
            centers[int(rows.mean()), int(columns.mean())] = 255
        save(root / image, photo(rng))
        save_palette(root / masks[image], ids, palette)
        save(root / f"A1/plant{number:03d}_centers.png", centers)
    write(root / "A1/A1.csv", "plant001_rgb.png, 12\nplant002_rgb.png, 9\n")
    return Expected(truth, IDS | {"suffix"}, masks=masks, asks="may")


SETS = {
    build.__name__: build
    for build in (
        oxford_pets,
        carvana,
        tgs_salt,
        severstal,
        crack500,
        deepcrack,
        magnetic_tiles,
        kolektor,
        leaf_disease,
        carrot_weed,
        leaf_counting,
    )
}
