"""Medical sets in miniature: two values mostly, and every way of naming a mask."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from public_sets_drawing import (
    FILES,
    SIZE,
    Expected,
    blob,
    grey3,
    hexadecimal,
    lines,
    photo,
    save,
    save_one_bit,
    write,
)

SIZES = [(48, 64), (56, 72), (40, 60), (48, 64), (64, 88), (44, 56)]


def kvasir_seg(root: Path, rng: np.random.Generator) -> Expected:
    """Why: both are JPEG with the same names, masks are RGB greys around 0 and 255, sizes differ, a JSON of boxes lies beside."""
    truth, masks, boxes = {}, {}, {}
    for size in SIZES:
        name = f"cju{hexadecimal(rng, 22)}"
        mask = truth[f"Kvasir-SEG/images/{name}.jpg"] = blob(rng, size)
        save(root / f"Kvasir-SEG/images/{name}.jpg", photo(rng, size), quality=90)
        save(root / f"Kvasir-SEG/masks/{name}.jpg", grey3(mask * 255), quality=75)
        masks[f"Kvasir-SEG/images/{name}.jpg"] = f"Kvasir-SEG/masks/{name}.jpg"
        box = {"label": "polyp", "xmin": 9, "ymin": 8, "xmax": 40, "ymax": 30}
        boxes[name] = {"height": size[0], "width": size[1], "bbox": [box]}
    write(root / "Kvasir-SEG/kavsir_bboxes.json", json.dumps(boxes))
    return Expected(truth, FILES, masks=masks, agreement=0.98)


def cvc_clinicdb(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a folder name with a space, TIFF for both, names that are numbers and repeat in both folders, frames of videos."""
    truth, masks = {}, {}
    for number in range(1, 8):
        mask = truth[f"Original/{number}.tif"] = blob(rng, part=0.1)
        save(root / f"Original/{number}.tif", photo(rng))
        save(root / f"Ground Truth/{number}.tif", mask * 255)
        masks[f"Original/{number}.tif"] = f"Ground Truth/{number}.tif"
    write(root / "README.txt", "CVC-ClinicDB: 612 images from 31 colonoscopy sequences\n")
    return Expected(truth, FILES, masks=masks)


def cvc_clinicdb_twice(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the Kaggle copy holds every picture and mask twice, as PNG and as TIFF: one of them is enough, both would leak."""
    kinds: dict[str, Expected] = {kind: Expected({}, FILES) for kind in ("PNG", "TIF")}
    rows = ["frame_id,sequence_id,tif_image_path,tif_mask_path,png_image_path,png_mask_path"]
    for number in range(1, 7):
        picture, mask = photo(rng), blob(rng, part=0.1)
        for kind, expected in kinds.items():
            name = f"{number}.{kind.lower()}"
            save(root / kind / "Original" / name, picture)
            save(root / kind / "Ground Truth" / name, mask * 255)
            expected.truth[f"{kind}/Original/{name}"] = mask
            expected.masks[f"{kind}/Original/{name}"] = f"{kind}/Ground Truth/{name}"
        tif, png = (
            f"{kind}/Original/{number}.{kind.lower()},{kind}/Ground Truth/{number}.{kind.lower()}" for kind in ("TIF", "PNG")
        )
        rows.append(f"{number},1,{tif},{png}")
    write(root / "metadata.csv", "\n".join(rows))
    return replace(kinds["PNG"], asks="may", alternatives=(kinds["TIF"],))


def isic_2018(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks have a suffix and lie in a folder of another name, the validation pictures have none, licences lie among them."""
    truth, masks = {}, {}
    folder, masks_folder = "ISIC2018_Task1-2_Training_Input", "ISIC2018_Task1_Training_GroundTruth_x2"
    for number, size in enumerate(SIZES):
        name = f"ISIC_{number * 3:07d}"
        mask = truth[f"{folder}/{name}.jpg"] = blob(rng, size)
        save(root / f"{folder}/{name}.jpg", photo(rng, size))
        save(root / f"{masks_folder}/{name}_segmentation.png", mask * 255)
        masks[f"{folder}/{name}.jpg"] = f"{masks_folder}/{name}_segmentation.png"
    for number in (12255, 12346, 12576):
        save(root / f"ISIC2018_Task1-2_Validation_Input/ISIC_{number:07d}.jpg", photo(rng))
    for place in (folder, masks_folder, "ISIC2018_Task1-2_Validation_Input"):
        write(root / place / "LICENSE.txt", "CC-0\n")
        write(root / place / "ATTRIBUTION.txt", "International Skin Imaging Collaboration\n")
    return Expected(truth, FILES, masks=masks)


def isic_2017(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a picture of superpixels, coloured and of the same size, lies beside each photo and is neither photo nor mask."""
    truth, masks, rows = {}, {}, ["image_id,age_approximate,sex"]
    data, truths = "ISIC-2017_Training_Data", "ISIC-2017_Training_Part1_GroundTruth"
    for number in range(6):
        name = f"ISIC_{number:07d}"
        mask = truth[f"{data}/{name}.jpg"] = blob(rng)
        save(root / f"{data}/{name}.jpg", photo(rng))
        pieces = np.mgrid[: SIZE[0], : SIZE[1]] // 6
        numbers = pieces[0] * 11 + pieces[1]
        save(root / f"{data}/{name}_superpixels.png", np.stack([numbers % 256, numbers // 256, 0 * numbers], -1).astype(np.uint8))
        save(root / f"{truths}/{name}_segmentation.png", mask * 255)
        masks[f"{data}/{name}.jpg"] = f"{truths}/{name}_segmentation.png"
        rows.append(f"{name},{40 + number},female")
    write(root / data / f"{data}_metadata.csv", "\n".join(rows))
    write(root / "ISIC-2017_Training_Part3_GroundTruth.csv", "image_id,melanoma,seborrheic_keratosis\nISIC_0000000,0.0,0.0\n")
    return Expected(truth, FILES, masks=masks)


def ph2(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a folder a picture, the mask a folder further, in BMP, 24 and 1 bit; some have regions of interest as well."""
    truth, masks = {}, {}
    for number in (2, 3, 4, 6, 8, 9):
        name = f"IMD{number:03d}"
        folder = f"PH2Dataset/PH2 Dataset images/{name}"
        image = f"{folder}/{name}_Dermoscopic_Image/{name}.bmp"
        masks[image] = f"{folder}/{name}_lesion/{name}_lesion.bmp"
        truth[image] = blob(rng)
        save(root / image, photo(rng))
        save_one_bit(root / masks[image], truth[image])
        for region in range(number % 3):
            save_one_bit(root / f"{folder}/{name}_roi/{name}_R{region + 1}_Label{region + 3}.bmp", blob(rng, part=0.05))
    write(root / "PH2Dataset/PH2_dataset.txt", "||   Name || Histological Diagnosis | Clinical Diagnosis |\n|| IMD003 || | 0 ||\n")
    return Expected(truth, FILES, masks=masks, asks="may")


def drive(root: Path, rng: np.random.Generator) -> Expected:
    """Why: folder `mask` holds the field of view, always the same disc: the truth is in 1st_manual (GIF); test has none."""
    truth, masks = {}, {}
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    view = ((rows - 24) / 23) ** 2 + ((columns - 32) / 30) ** 2 < 1
    for number in range(21, 28):
        image = f"DRIVE/training/images/{number}_training.tif"
        masks[image] = f"DRIVE/training/1st_manual/{number}_manual1.gif"
        truth[image] = lines(rng) * view
        save(root / image, photo(rng) * view[..., np.newaxis].astype(np.uint8))
        save(root / masks[image], truth[image] * np.uint8(255))
        save(root / f"DRIVE/training/mask/{number}_training_mask.gif", view * np.uint8(255))
    for number in range(1, 5):
        save(root / f"DRIVE/test/images/{number:02d}_test.tif", photo(rng))
        save(root / f"DRIVE/test/mask/{number:02d}_test_mask.gif", view * np.uint8(255))
    return Expected(truth, FILES, masks=masks, asks="may")


def chase_db1(root: Path, rng: np.random.Generator) -> Expected:
    """Why: two people drew every picture; nothing says whom to believe, so it asks."""
    readings = [Expected({}, FILES), Expected({}, FILES)]
    for number in range(1, 5):
        for side in "LR":
            name = f"Image_{number:02d}{side}"
            save(root / f"{name}.jpg", photo(rng))
            for reading, annotator in zip(readings, ("1stHO", "2ndHO"), strict=True):
                reading.truth[f"{name}.jpg"] = lines(rng)
                reading.masks[f"{name}.jpg"] = f"{name}_{annotator}.png"
                save_one_bit(root / f"{name}_{annotator}.png", reading.truth[f"{name}.jpg"])
    return replace(readings[0], asks="must", alternatives=(readings[1],))


def stare(root: Path, rng: np.random.Generator) -> Expected:
    """Why: PPM with a suffix within the name (im0001.ah.ppm), in folders whose names say labels."""
    truth, masks = {}, {}
    for number in (1, 2, 3, 4, 5, 44):
        image = f"stare-images/im{number:04d}.ppm"
        masks[image] = f"labels-ah/im{number:04d}.ah.ppm"
        truth[image] = lines(rng)
        save(root / image, photo(rng))
        save(root / masks[image], grey3(truth[image] * 255))
    return Expected(truth, FILES, masks=masks)


def stare_both(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the same with the second annotator's folder: it asks."""
    expected = stare(root, rng)
    other = Expected({}, FILES)
    for image, mask in expected.masks.items():
        other.truth[image] = lines(rng, thickness=5)
        other.masks[image] = mask.replace("-ah", "-vk").replace(".ah", ".vk")
        save(root / other.masks[image], grey3(other.truth[image] * 255))
    return replace(expected, asks="must", alternatives=(other,))


SETS = {
    build.__name__: build
    for build in (
        kvasir_seg,
        cvc_clinicdb,
        cvc_clinicdb_twice,
        isic_2018,
        isic_2017,
        ph2,
        drive,
        chase_db1,
        stare,
        stare_both,
    )
}
