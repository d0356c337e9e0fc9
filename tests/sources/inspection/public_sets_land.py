"""Land, fields and clouds in miniature: bands in files of their own, a folder a class, colours without a table."""

from pathlib import Path

import numpy as np
from public_sets_drawing import (
    REFUSED,
    SIZE,
    VOID,
    Expected,
    bands,
    blob,
    paint,
    photo,
    regions,
    save,
    save_palette,
    save_raster,
    some_regions,
    things,
    write,
)
from public_sets_making import ANY, Made, coloured, many_colours, two_values, uuid

LAYERS = frozenset({"layers"})


def agriculture_vision(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a folder a class below labels, boundaries and masks of valid pixels beside, infrared beside RGB, test without."""
    names = ("cloud_shadow", "double_plant", "planter_skip", "standing_water", "waterway", "weed_cluster")
    truth, parts, both = {}, {}, {}
    for part, number in (("train", 5), ("val", 3)):
        for _ in range(number):
            field = "".join(rng.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789"), 9))
            name = f"{field}_{rng.integers(9999)}-{rng.integers(9999)}-512-512"
            image = f"{part}/images/rgb/{name}.jpg"
            parts[image] = part
            ids = truth[image] = regions(rng, 7)
            both[image] = np.stack([ids == k for k in range(1, 7)])
            save(root / image, photo(rng))
            save(root / f"{part}/images/nir/{name}.jpg", photo(rng, channels=1))
            save(root / f"{part}/boundaries/{name}.png", np.full(SIZE, 255, np.uint8))
            save(root / f"{part}/masks/{name}.png", two_values(np.ones(SIZE, np.uint8)))
            for value, label in enumerate(names, start=1):
                save(root / f"{part}/labels/{label}/{name}.png", two_values(ids == value))
    for kind, channels in (("rgb", 3), ("nir", 1)):
        save(root / f"test/images/{kind}/XZ1_0-0-512-512.jpg", photo(rng, channels=channels))
    readings = []
    for picture_files in (1, 2):
        readings.append(Expected(truth, LAYERS, classes=(None, *names), asks="may", parts=parts, picture_files=picture_files))
        readings.append(Expected(both, LAYERS, classes=names, parts=parts, picture_files=picture_files))
    return Expected(truth, LAYERS, classes=(None, *names), asks="may", parts=parts, alternatives=tuple(readings[1:]))


def zurich_summer(root: Path, rng: np.random.Generator) -> Expected:
    """Why: four bands of 16 bits, truth as RGB TIFF named zh1_GT, white is unlabelled."""
    truth, masks = {}, {}
    colours = (
        (255, 255, 255),
        (0, 0, 0),
        (100, 100, 100),
        (0, 125, 0),
        (0, 255, 0),
        (150, 80, 0),
        (0, 0, 150),
        (255, 255, 0),
        (150, 150, 255),
    )
    for number in range(1, 9):
        image = f"Zurich_Summer_v1.0/images_tif/zh{number}.tif"
        masks[image] = f"Zurich_Summer_v1.0/groundtruth/zh{number}_GT.tif"
        ids = some_regions(rng, 9, 5, always=(0, number, 1 + number % 8))
        truth[image] = np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8)
        save_raster(root / image, bands(rng, 4, top=2000))
        save(root / masks[image], coloured(*colours)(ids))
    return Expected(truth, ANY, classes=(None,) * 8, masks=masks, void="either")


def gaofen_gid(root: Path, rng: np.random.Generator) -> Expected:
    """Why: long names with two underscores in a row, _label, RGB TIFF, black is unknown."""
    made = Made(root, rng)
    colours = ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 255, 255), (255, 255, 0), (0, 0, 255))
    base = "Large-scale Classification_5classes"
    for number in range(8):
        ids = regions(rng, 6)
        name = f"GF2_PMS{1 + number % 2}__L1A0000{647767 + 13 * number}-MSS{1 + number % 2}"
        truth = np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8)
        made.put(f"{base}/image_RGB/{name}.tif", f"{base}/label_5classes/{name}_label.tif", truth, coloured(*colours)(ids))
    return Expected(made.truth, ANY, classes=(None,) * 5, masks=made.masks, void="either")


def isaid(root: Path, rng: np.random.Generator) -> Expected:
    """Why: P0000_instance_color_RGB (classes) and P0000_instance_id_RGB (a colour an instance), with the photos elsewhere."""
    made, parts = Made(root, rng), {}
    colours = ((0, 0, 0), (0, 0, 63), (0, 63, 63), (0, 63, 0), (0, 63, 127), (0, 63, 191), (0, 127, 191))
    for part, numbers in (("train", (0, 1, 2, 5, 8)), ("val", (3, 4, 7))):
        for number in numbers:
            objects = things(rng, 9)
            ids = np.where(objects > 0, 1 + objects % 6, 0).astype(np.uint8)
            image = f"iSAID/{part}/images/P{number:04d}.png"
            parts[image] = part
            made.put(
                image, f"iSAID/{part}/Semantic_masks/images/P{number:04d}_instance_color_RGB.png", ids, coloured(*colours)(ids)
            )
            random = {k: tuple(int(v) for v in rng.integers(1, 256, 3)) for k in range(1, 10)}
            save(root / f"iSAID/{part}/Instance_masks/images/P{number:04d}_instance_id_RGB.png", paint(objects, random))
    return Expected(made.truth, ANY, classes=(None,) * 7, masks=made.masks, parts=parts, asks="may")


def landslide4sense(root: Path, rng: np.random.Generator) -> Expected:
    """Why: HDF5 is no form: an error."""
    for number in range(1, 5):
        for kind, name in (("img", "image"), ("mask", "mask")):
            path = root / f"TrainData/{kind}/{name}_{number}.h5"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    return REFUSED


def flood_area(root: Path, rng: np.random.Generator) -> Expected:
    """Why: folders Image and Mask, sizes of all kinds, a CSV of the pairs with a header."""
    made, rows = Made(root, rng), ["Image,Mask"]
    for number, size in enumerate(((48, 64), (40, 60), (64, 40), (48, 64), (56, 80), (44, 44), (52, 90))):
        water = blob(rng, size, part=0.4)
        made.put(f"Image/{number}.jpg", f"Mask/{number}.png", water, two_values(water))
        rows.append(f"{number}.jpg,{number}.png")
    write(root / "metadata.csv", "\n".join([*rows, "1001.jpg,1001.png"]) + "\n")
    return Expected(made.truth, ANY, masks=made.masks)


def vdd(root: Path, rng: np.random.Generator) -> Expected:
    """Why: src and gt, .JPG and .png, ids 0 to 6."""
    made, parts = Made(root, rng), {}
    for part, numbers in (("train", range(1, 7)), ("val", (7, 8)), ("test", (9, 10))):
        for number in numbers:
            ids = some_regions(rng, 7, 5, always=(number % 7,))
            image = f"VDD/{part}/src/DJI_{number:04d}.JPG"
            parts[image] = part
            made.put(image, f"VDD/{part}/gt/DJI_{number:04d}.png", ids, ids)
    return Expected(made.truth, ANY, classes=(None,) * 7, masks=made.masks, parts=parts)


def udd5(root: Path, rng: np.random.Generator) -> Expected:
    """Why: JPG photos, colours in png of the same name, black is a class, colours near each other."""
    made, parts = Made(root, rng), {}
    colours = ((107, 142, 35), (102, 102, 156), (128, 64, 128), (0, 0, 142), (0, 0, 0))
    for part, numbers in (("train", range(1, 8)), ("val", range(121, 124))):
        for number in numbers:
            ids = regions(rng, 5)
            image = f"UDD/UDD5/{part}/src/{number:06d}.JPG"
            parts[image] = part
            made.put(image, f"UDD/UDD5/{part}/gt/{number:06d}.png", ids, coloured(*colours)(ids))
    return Expected(made.truth, ANY, classes=(None,) * 5, masks=made.masks, parts=parts, void="no")


def cloud_chips(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a folder a chip with a file a band (B02.tif), whose masks lie in another tree as chip.tif."""
    truth, masks, rows = {}, {}, ["chip_id,location,datetime,cloudpath"]
    for _ in range(7):
        chip = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 4))
        image = f"data/train_features/{chip}/B04.tif"
        for name, pixels in zip(("B02", "B03", "B04", "B08"), bands(rng, 4), strict=True):
            save_raster(root / f"data/train_features/{chip}/{name}.tif", pixels[np.newaxis])
        masks[image] = f"data/train_labels/{chip}.tif"
        truth[image] = blob(rng, part=0.4)
        save_raster(root / masks[image], truth[image][np.newaxis])
        rows.append(f"{chip},Chifunfu,2020-04-29T08:20:47Z,az://./train_features/{chip}")
    write(root / "data/train_metadata.csv", "\n".join(rows) + "\n")
    return Expected(truth, ANY | LAYERS, masks=masks, picture_files=4, asks="may")


def whdld(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the folder of masks is called ImagesPNG, that of photos Images."""
    made = Made(root, rng)
    colours = ((255, 0, 0), (255, 255, 0), (192, 192, 0), (0, 255, 0), (128, 128, 128), (0, 0, 255))
    for number in range(1, 9):
        ids = regions(rng, 6)
        made.put(f"WHDLD/Images/wh{number:04d}.jpg", f"WHDLD/ImagesPNG/wh{number:04d}.png", ids, coloured(*colours)(ids))
    write(root / "WHDLD/read me.txt", "bare soil, building, pavement, road, vegetation, water\n")
    return Expected(made.truth, ANY, classes=(None,) * 6, masks=made.masks)


def open_earth_map(root: Path, rng: np.random.Generator) -> Expected:
    """Why: images and labels in a folder a region; lists name pictures that have to be got elsewhere."""
    made, parts = Made(root, rng), {}
    for number, region in enumerate(("aachen", "chiclayo", "kyoto", "svaneti", "vienna")):
        for tile in (1, 12):
            ids = some_regions(rng, 9, 5, always=(number, number + 4))
            image = f"OpenEarthMap/{region}/images/{region}_{tile}.tif"
            parts[image] = "val" if region == "svaneti" else "train"
            made.put(image, f"OpenEarthMap/{region}/labels/{region}_{tile}.tif", ids, ids)
    for part in ("train", "val"):
        names = [image.split("/")[-1] for image in parts if parts[image] == part]
        write(root / f"OpenEarthMap/{part}.txt", "\n".join([*names, "santa-rosa_3.tif", "tuscaloosa_8.tif"]) + "\n")
    return Expected(made.truth, ANY, classes=(None,) * 9, masks=made.masks, parts=parts)


def sugar_beets(root: Path, rng: np.random.Generator) -> Expected:
    """Why: colours and ids of the same below annotations, RGB and infrared below images, names of frames with times."""
    made, painted = Made(root, rng), {}
    base = "CKA_160523"
    for frame in range(2, 10):
        name = f"bonirob_2016-05-23-10-37-{10 + frame}_0_frame{frame * 4}.png"
        plants = things(rng, 8)
        ids = np.where(plants > 0, 1 + plants % 2, 0).astype(np.uint8)
        image = f"{base}/images/rgb/{name}"
        made.put(image, f"{base}/annotations/dlp/iMapCleaned/{name}", ids, ids)
        painted[image] = f"{base}/annotations/dlp/colorCleaned/{name}"
        save(root / painted[image], coloured((0, 0, 0), (0, 255, 0), (255, 0, 0))(ids))
        save(root / f"{base}/images/nir/{name}", photo(rng, channels=1))
    readings = [
        Expected(made.truth, ANY | LAYERS, classes=(None,) * 3, masks=masks, picture_files=files, asks="may")
        for masks in (made.masks, painted)
        for files in (1, 2)
    ]
    return Expected(made.truth, ANY, classes=(None,) * 3, masks=made.masks, asks="may", alternatives=tuple(readings[1:]))


def plant_village(root: Path, rng: np.random.Generator) -> Expected:
    """Why: `segmented` holds photos on black, JPEG: pictures that are no masks, so an error."""
    for kind in ("Tomato___Bacterial_spot", "Apple___healthy"):
        for number in range(4):
            name = f"{uuid(rng)}___GCREC_Bact.Sp {3420 + number}"
            leaf, pixels = blob(rng), photo(rng)
            save(root / f"plantvillage dataset/color/{kind}/{name}.JPG", pixels, format="JPEG")
            save(root / f"plantvillage dataset/grayscale/{kind}/{name}.JPG", pixels[..., 1], format="JPEG")
            save(root / f"plantvillage dataset/segmented/{kind}/{name}_final_masked.jpg", pixels * leaf[..., np.newaxis])
    return REFUSED


def plant_village_plain(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the same without the grey copies: nothing but a cut-out photo could be a mask, so an error all the more."""
    for number in range(9):
        name = f"{uuid(rng)}___RS_HL {1800 + number}"
        leaf, pixels = blob(rng), photo(rng)
        save(root / f"color/{name}.JPG", pixels, format="JPEG")
        save(root / f"segmented/{name}_final_masked.jpg", pixels * leaf[..., np.newaxis])
    return REFUSED


def uc_merced_labels(root: Path, rng: np.random.Generator) -> Expected:
    """Why: DLRSD: palette ids 1 to 17 in a folder a scene, TIFF photos: the folder is not the class of the pixels."""
    made = Made(root, rng)
    for number, scene in enumerate(("agricultural", "airplane", "beach", "harbor", "river")):
        for take in (0, 1, 99):
            ids = some_regions(rng, 17, 4, always=(3 * number + take % 3, (3 * number + 8) % 17)) + np.uint8(1)
            mask = f"DLRSD/Labels/{scene}/{scene}{take:02d}.png"
            made.put(f"DLRSD/Images/{scene}/{scene}{take:02d}.tif", mask, ids - np.uint8(1), None)
            save_palette(root / mask, ids, {0: (0, 0, 0), **{k + 1: c for k, c in many_colours(17).items()}})
    return Expected(made.truth, ANY, classes=(None,) * 17, masks=made.masks)


SETS = {
    build.__name__: build
    for build in (
        agriculture_vision,
        zurich_summer,
        gaofen_gid,
        isaid,
        landslide4sense,
        flood_area,
        vdd,
        udd5,
        cloud_chips,
        whdld,
        open_earth_map,
        sugar_beets,
        plant_village,
        plant_village_plain,
        uc_merced_labels,
    )
}
