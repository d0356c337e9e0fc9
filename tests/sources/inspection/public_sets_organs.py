"""Sets of organs and cells in miniature: instances, layers, greys, masks of another size."""

from pathlib import Path

import numpy as np
from public_sets_drawing import (
    FILES,
    IDS,
    REFUSED,
    SIZE,
    VOID,
    Expected,
    blob,
    grey3,
    hexadecimal,
    lines,
    photo,
    regions,
    run_lengths,
    save,
    save_one_bit,
    things,
    write,
)

LAYERS = frozenset({"layers"})


def busi(root: Path, rng: np.random.Generator) -> Expected:
    """Why: spaces and brackets in names, some pictures with a second mask (_mask_1), black masks for the healthy."""
    truth, layered = {}, {}
    for kind, numbers in (("benign", (1, 2, 3, 4)), ("malignant", (1, 2)), ("normal", (1, 2))):
        for number in numbers:
            stem = f"Dataset_BUSI_with_GT/{kind}/{kind} ({number})"
            found = things(rng, 2) if number == 4 else blob(rng)
            if kind == "normal":
                found = np.zeros(SIZE, np.uint8)
            truth[f"{stem}.png"] = (found > 0).astype(np.uint8)
            layered[f"{stem}.png"] = np.where(found > 0, {"benign": 1, "malignant": 2, "normal": 0}[kind], 0).astype(np.uint8)
            save(root / f"{stem}.png", grey3(photo(rng, channels=1)))
            save(root / f"{stem}_mask.png", (found == 1) * np.uint8(255))
            if number == 4:
                save(root / f"{stem}_mask_1.png", (found == 2) * np.uint8(255))
    by_folder = Expected(layered, LAYERS, classes=(None, "benign", "malignant"))
    return Expected(truth, LAYERS, alternatives=(by_folder,), asks="may")


def montgomery(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a lung a file: two folders of masks make one mask of three classes, or of two; grey pictures."""
    truth, together = {}, {}
    columns = np.mgrid[: SIZE[0], : SIZE[1]][1]
    for number in range(1, 7):
        name = f"MCUCXR_{number:04d}_{number % 2}.png"
        image = f"MontgomerySet/CXR_png/{name}"
        lungs = blob(rng, part=0.5)
        left, right = lungs * (columns < 28), lungs * (columns > 36)
        truth[image] = (left + 2 * right).astype(np.uint8)
        together[image] = (left + right).astype(np.uint8)
        save(root / image, photo(rng, channels=1))
        save_one_bit(root / f"MontgomerySet/ManualMask/leftMask/{name}", left)
        save_one_bit(root / f"MontgomerySet/ManualMask/rightMask/{name}", right)
        write(root / f"MontgomerySet/ClinicalReadings/{name[:-4]}.txt", "Patient's Sex: F\nPatient's Age: 027Y\nnormal\n")
    return Expected(truth, LAYERS, classes=(None, None, None), alternatives=(Expected(together, LAYERS),), asks="may")


def lgg_mri(root: Path, rng: np.random.Generator) -> Expected:
    """Why: _mask beside the picture in TIFF, most masks black, a folder a patient whose slices look alike."""
    truth, masks, groups = {}, {}, {}
    for patient in ("TCGA_CS_4941_19960909", "TCGA_CS_4942_19970222", "TCGA_DU_5849_19950405", "TCGA_HT_7473_19970826"):
        for slice_number in (1, 2, 10):
            image = f"kaggle_3m/{patient}/{patient}_{slice_number}.tif"
            masks[image] = image.replace(".tif", "_mask.tif")
            groups[image] = patient
            truth[image] = blob(rng, part=0.1) * np.uint8(slice_number != 1)
            save(root / image, photo(rng))
            save(root / masks[image], truth[image] * 255)
    write(root / "kaggle_3m/data.csv", "Patient,RNASeqCluster,MethylationCluster\nTCGA_CS_4941,2,4\n")
    write(root / "kaggle_3m/README.md", "# LGG segmentation\n")
    return Expected(truth, FILES, masks=masks, groups=groups)


def dsb_2018(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a folder a picture, a file a nucleus, RGBA pictures, the same masks as run lengths in a CSV, a test part without."""
    truth, rows = {}, ["ImageId,EncodedPixels"]
    for number in range(6):
        name, ids = hexadecimal(rng, 64), things(rng, 3 + number)
        truth[f"stage1_train/{name}/images/{name}.png"] = (ids > 0).astype(np.uint8)
        picture = np.dstack([photo(rng), np.full(SIZE, 255, np.uint8)])
        save(root / f"stage1_train/{name}/images/{name}.png", picture)
        for instance in range(1, ids.max() + 1):
            save(root / f"stage1_train/{name}/masks/{hexadecimal(rng, 64)}.png", (ids == instance) * np.uint8(255))
            rows.append(f"{name},{run_lengths(ids == instance)}")
    for _ in range(2):
        name = hexadecimal(rng, 64)
        save(root / f"stage1_test/{name}/images/{name}.png", photo(rng))
    write(root / "stage1_train_labels.csv", "\n".join(rows) + "\n")
    write(root / "stage1_sample_submission.csv", f"ImageId,EncodedPixels\n{name},1 1\n")
    return Expected(truth, LAYERS | {"rle"})


def monuseg(root: Path, rng: np.random.Generator) -> Expected:
    """Why: outlines in Aperio XML are no form that is read: an error that lists the forms and what was seen."""
    for number in range(5):
        name = f"TCGA-18-559{number}-01Z-00-DX1"
        save(root / f"MoNuSeg 2018 Training Data/Tissue Images/{name}.tif", photo(rng))
        outline = '<Vertex X="3.0" Y="4.5" Z="0.0"/><Vertex X="9.0" Y="4.5" Z="0.0"/>'
        write(root / f"MoNuSeg 2018 Training Data/Annotations/{name}.xml", f"<Annotations><Region>{outline}</Region></Annotations>")
    return REFUSED


def covid_radiography(root: Path, rng: np.random.Generator) -> Expected:
    """Why: pictures of 299 x 299 with masks of 256 x 256 (here 60 x 76 and 48 x 64), names that repeat their folder's."""
    truth, masks = {}, {}
    for kind in ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"):
        for number in (1, 2):
            image = f"COVID-19_Radiography_Dataset/{kind}/images/{kind}-{number}.png"
            masks[image] = image.replace("/images/", "/masks/")
            small = blob(rng, part=0.4)
            rows, columns = np.arange(60) * 48 // 60, np.arange(76) * 64 // 76
            truth[image] = small[np.ix_(rows, columns)]
            save(root / image, photo(rng, (60, 76), channels=1))
            save(root / masks[image], grey3(small * 255))
        (root / f"COVID-19_Radiography_Dataset/{kind}.metadata.xlsx").write_bytes(b"PK\x03\x04")
    write(root / "COVID-19_Radiography_Dataset/README.md.txt", "COVID-19 CHEST X-RAY DATABASE\n")
    return Expected(truth, FILES, masks=masks, resized=True, agreement=0.95)


def idrid(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a folder and a suffix a class, in TIFF, painted red; not every picture has each; numbered folder names with spaces."""
    truth = {}
    kinds = (("1. Microaneurysms", "MA"), ("2. Haemorrhages", "HE"), ("3. Hard Exudates", "EX"), ("5. Optic Disc", "OD"))
    for part, numbers in (("a. Training Set", (1, 2, 3, 4, 5)), ("b. Testing Set", (55, 56))):
        for number in numbers:
            image = f"A. Segmentation/1. Original Images/{part}/IDRiD_{number:02d}.jpg"
            ids = truth[image] = regions(rng, 5)
            save(root / image, photo(rng))
            for place, (folder, suffix) in enumerate(kinds, start=1):
                if number == 3 and suffix == "HE":
                    ids[ids == place] = 0
                    continue
                red = np.stack([(ids == place) * 255, 0 * ids, 0 * ids], axis=-1).astype(np.uint8)
                to = f"A. Segmentation/2. All Segmentation Groundtruths/{part}/{folder}/IDRiD_{number:02d}_{suffix}.tif"
                save(root / to, red)
    write(root / "A. Segmentation/LICENSE.txt", "CC BY 4.0\n")
    return Expected(truth, LAYERS, classes=(None,) * 5, asks="may")


def glas(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks number the glands (0 none, 1, 2, 3 ...): one class, not one a number; parts are prefixes of names; BMP."""
    truth, masks, parts, rows = {}, {}, {}, ["name,patient ID, grade (GlaS)"]
    for part, number in (*(("train", n) for n in range(1, 7)), *(("testA", n) for n in (1, 2)), ("testB", 1)):
        image = f"Warwick QU Dataset (Released 2016_07_08)/{part}_{number}.bmp"
        masks[image] = image.replace(".bmp", "_anno.bmp")
        parts[image] = part[:5].removesuffix("A").removesuffix("B")
        ids = things(rng, int(rng.integers(3, 15)))
        truth[image] = (ids > 0).astype(np.uint8)
        save(root / image, photo(rng))
        save(root / masks[image], ids)
        rows.append(f"{part}_{number},{number},benign")
    write(root / "Warwick QU Dataset (Released 2016_07_08)/Grade.csv", "\n".join(rows))
    return Expected(truth, IDS | {"suffix"}, masks=masks, parts=parts, asks="may")


def isbi_membrane(root: Path, rng: np.random.Generator) -> Expected:
    """Why: grey pictures, folders `image` and `label` below train, numbers as names, test pictures beside their predictions."""
    truth, masks = {}, {}
    for number in range(7):
        image = f"membrane/train/image/{number}.png"
        masks[image] = f"membrane/train/label/{number}.png"
        truth[image] = 1 - lines(rng)
        save(root / image, photo(rng, channels=1))
        save(root / masks[image], truth[image] * 255)
    for number in range(3):
        save(root / f"membrane/test/{number}.png", photo(rng, channels=1))
        save(root / f"membrane/test/{number}_predict.png", photo(rng, channels=1))
    return Expected(truth, FILES, masks=masks)


def refuge(root: Path, rng: np.random.Generator) -> Expected:
    """Why: an eye's disc and cup (REFUGE) as greys: 255 none, 128 disc, 0 cup, so that neither 0 nor 255 is void; BMP for JPEG."""
    truth, masks = {}, {}
    for number in range(1, 7):
        image = f"Training400/Glaucoma/g{number:04d}.jpg"
        masks[image] = f"Annotation-Training400/Disc_Cup_Masks/Glaucoma/g{number:04d}.bmp"
        disc, cup = blob(rng, part=0.4), blob(rng, part=0.1)
        truth[image] = np.where(cup > 0, 2, disc).astype(np.uint8)
        assert VOID not in truth[image]
        save(root / image, photo(rng))
        save(root / masks[image], np.array([255, 128, 0], np.uint8)[truth[image]])
    return Expected(truth, FILES, classes=(None,) * 3, masks=masks)


SETS = {
    build.__name__: build
    for build in (
        busi,
        montgomery,
        lgg_mri,
        dsb_2018,
        monuseg,
        covid_radiography,
        idrid,
        glas,
        isbi_membrane,
        refuge,
    )
}
