"""Eyes, bowels, lungs and skin in miniature: names that differ in the middle, several truths a picture, parts in folders."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from public_sets_drawing import (
    SIZE,
    Expected,
    blob,
    grey3,
    hexadecimal,
    lines,
    photo,
    regions,
    run_lengths,
    save,
    save_deep,
    things,
    write,
)
from public_sets_making import ANY, Made, two_values, uuid

LAYERS = frozenset({"layers"})


def hrf(root: Path, rng: np.random.Generator) -> Expected:
    """Why: mask/ is the field of view (RGB); the truth is in manual1; .JPG and .jpg mixed."""
    made = Made(root, rng)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    view = (((rows - 24) / 23) ** 2 + ((columns - 32) / 30) ** 2 < 1).astype(np.uint8)
    for number in range(1, 4):
        for kind, suffix in (("dr", "JPG"), ("g", "jpg"), ("h", "jpg")):
            name = f"{number:02d}_{kind}"
            vessels = lines(rng) * view
            made.put(f"images/{name}.{suffix}", f"manual1/{name}.tif", vessels, two_values(vessels))
            save(root / f"mask/{name}_mask.tif", grey3(view * 255))
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


def hyper_kvasir(root: Path, rng: np.random.Generator) -> Expected:
    """Why: many photos of classes lie beside the segmented ones, named by uuid, JPEG masks."""
    made, boxes = Made(root, rng), {}
    base = "hyper-kvasir/segmented-images"
    for _ in range(7):
        name, mask = uuid(rng), blob(rng)
        made.put(f"{base}/images/{name}.jpg", f"{base}/masks/{name}.jpg", mask, grey3(two_values(mask)), quality=80)
        boxes[name] = {"height": 48, "width": 64, "bbox": [{"label": "polyp", "xmin": 9, "ymin": 8, "xmax": 40, "ymax": 30}]}
    write(root / f"{base}/bounding-boxes.json", json.dumps(boxes))
    rows = ["Video file,Organ,Finding,Classification"]
    for organ, finding in (("lower-gi-tract", "cecum"), ("upper-gi-tract", "z-line")):
        for _ in range(6):
            name = uuid(rng)
            save(root / f"hyper-kvasir/labeled-images/{organ}/anatomical-landmarks/{finding}/{name}.jpg", photo(rng))
            rows.append(f"{name},{organ},{finding},anatomical-landmarks")
    write(root / "hyper-kvasir/labeled-images/image-labels.csv", "\n".join(rows) + "\n")
    return Expected(made.truth, ANY, masks=made.masks, agreement=0.98)


def etis(root: Path, rng: np.random.Generator) -> Expected:
    """Why: 1.tif in one folder and p1.tif in another."""
    made = Made(root, rng)
    for number in range(1, 12):
        mask = blob(rng, part=0.1)
        made.put(
            f"ETIS-LaribPolypDB/ETIS-LaribPolypDB/{number}.tif",
            f"ETIS-LaribPolypDB/Ground Truth/p{number}.tif",
            mask,
            two_values(mask),
        )
    return Expected(made.truth, ANY, masks=made.masks)


def polyp_benchmark(root: Path, rng: np.random.Generator) -> Expected:
    """Why: PraNet's collection: image/ and masks/ for training, images/ and masks/ two deep for tests; names repeat."""
    made, parts = Made(root, rng), {}
    for number in range(1, 7):
        mask = blob(rng)
        image = f"TrainDataset/image/{number}.png"
        parts[image] = "train"
        made.put(image, f"TrainDataset/masks/{number}.png", mask, two_values(mask))
    for name in ("CVC-300", "CVC-ClinicDB", "Kvasir"):
        for number in (1, 2, 149):
            mask = blob(rng)
            image = f"TestDataset/{name}/images/{number}.png"
            parts[image] = "test"
            made.put(image, f"TestDataset/{name}/masks/{number}.png", mask, two_values(mask))
    return Expected(made.truth, ANY, masks=made.masks, parts=parts, asks="may")


def nerve(root: Path, rng: np.random.Generator) -> Expected:
    """Why: subject_number.tif beside _mask.tif, half the masks black, the same as run lengths, a test part of bare numbers."""
    made, rows, groups = Made(root, rng), ["subject,img,pixels"], {}
    for subject in (1, 2, 10, 47):
        for number in (1, 2, 3, 100):
            image = f"train/{subject}_{number}.tif"
            mask = blob(rng, part=0.1) * np.uint8(number % 2)
            made.put(image, f"train/{subject}_{number}_mask.tif", mask, two_values(mask), channels=1)
            groups[image] = str(subject)
            rows.append(f"{subject},{number},{run_lengths(mask)}")
    for number in (1, 2, 3):
        save(root / f"test/{number}.tif", photo(rng, channels=1))
    write(root / "train_masks.csv", "\n".join(rows) + "\n")
    write(root / "sample_submission.csv", "img,pixels\n1,1 1\n2,1 1\n3,1 1\n")
    return Expected(made.truth, ANY, masks=made.masks, groups=groups)


def origa(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the same pictures and masks a second time cropped to squares; ids 0, 1, 2 that look black; .mat beside."""
    whole, square = Made(root, rng), Made(root, rng)
    rows = ["Eye,Filename,ExpCDR,Set,CDR,Glaucoma"]
    for number in range(1, 8):
        disc, cup = blob(rng, part=0.3), blob(rng, part=0.08)
        ids = np.where(cup > 0, 2, disc).astype(np.uint8)
        whole.put(f"ORIGA/Images/{number:03d}.jpg", f"ORIGA/Masks/{number:03d}.png", ids, ids)
        inner = np.ascontiguousarray(ids[:, 8:56])
        square.put(f"ORIGA/Images_Square/{number:03d}.jpg", f"ORIGA/Masks_Square/{number:03d}.png", inner, inner)
        path = root / f"ORIGA/Semi-automatic-annotations/{number:03d}.mat"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"MATLAB 5.0 MAT-file")
        rows.append(f"OD,{number:03d}.jpg,0.7,A,0.71,0")
    write(root / "ORIGA/OrigaList.csv", "\n".join(rows) + "\n")
    other = Expected(square.truth, ANY, classes=(None,) * 3, masks=square.masks)
    return Expected(whole.truth, ANY, classes=(None,) * 3, masks=whole.masks, asks="may", alternatives=(other,))


def covid_ct(root: Path, rng: np.random.Generator) -> Expected:
    """Why: folders frames and masks, grey saved as RGB in both, long names of several sources; a CSV of the classes beside."""
    made = Made(root, rng)
    for case in ("Jun_coronacases_case10", "Jun_radiopaedia_10_85902_1_case14", "Morozov_study_0255", "bjorke"):
        for number in (7, 23, 130):
            mask = blob(rng, part=0.12)
            name = f"{case}_{number}.png"
            made.put(f"COVID-19 CT/frames/{name}", f"COVID-19 CT/masks/{name}", mask, grey3(two_values(mask)))
    return Expected(made.truth, ANY, masks=made.masks)


def siim_like(root: Path, rng: np.random.Generator) -> Expected:
    """Why: names full of dots without a suffix in the CSV, a space before the column, -1 for none, several rows a picture."""
    truth, rows, healthy = {}, ["ImageId, EncodedPixels"], []
    for number in range(8):
        name = f"1.2.276.0.7230010.3.1.4.8323329.{1000 + number}.1517875{rng.integers(100, 999)}.{rng.integers(100000, 999999)}"
        image = f"train-png/{name}.png"
        ids = things(rng, 2) * np.uint8(number % 2)
        truth[image] = (ids > 0).astype(np.uint8)
        save(root / image, photo(rng, channels=1))
        rows += [f"{name}, {run_lengths(ids == k)}" for k in (1, 2) if (ids == k).any()] or [f"{name}, -1"]
        healthy += [image] * (number % 2 == 0)
    write(root / "train-rle.csv", "\n".join(rows) + "\n")
    return Expected(truth, frozenset({"rle"}), optional=frozenset(healthy))


def shenzhen_montgomery(root: Path, rng: np.random.Generator) -> Expected:
    """Why: some masks end in _mask, others do not; pictures without masks; a folder of test photos."""
    made = Made(root, rng)
    base = "Lung Segmentation"
    for number in range(1, 8):
        lungs = blob(rng, part=0.4)
        name = f"CHNCXR_{number:04d}_{number % 2}"
        made.put(f"{base}/CXR_png/{name}.png", f"{base}/masks/{name}_mask.png", lungs, two_values(lungs), channels=1)
        name = f"MCUCXR_{number:04d}_{number % 2}"
        made.put(f"{base}/CXR_png/{name}.png", f"{base}/masks/{name}.png", lungs, two_values(lungs), channels=1)
        write(root / f"{base}/ClinicalReadings/{name}.txt", "female 24yrs\nnormal\n")
        save(root / f"{base}/test/CHNCXR_{number + 400:04d}_0.png", photo(rng, channels=1))
    save(root / f"{base}/CXR_png/CHNCXR_0025_0.png", photo(rng, channels=1))
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


def ham10000(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the photos lie in two folders, the masks in one; a metadata file without suffix."""
    made = Made(root, rng)
    for number in range(24306, 24316):
        lesion = blob(rng)
        image = f"HAM10000_images_part_{1 + (number > 24310)}/ISIC_{number:07d}.jpg"
        made.put(image, f"HAM10000_segmentations_lesion_tschandl/ISIC_{number:07d}_segmentation.png", lesion, two_values(lesion))
    write(root / "HAM10000_metadata", "lesion_id,image_id,dx,dx_type,age,sex\nHAM_0000118,ISIC_0024306,bkl,histo,80.0,male\n")
    return Expected(made.truth, ANY, masks=made.masks)


def prostate_slices(root: Path, rng: np.random.Generator) -> Expected:
    """Why: `segmentation` stands in the middle of the mask's name; a case is a group."""
    made, groups = Made(root, rng), {}
    for case in (0, 1, 2, 17):
        for number in (5, 6, 12):
            gland = blob(rng, part=0.15)
            image = f"png/images/Case{case:02d}_slice_{number:02d}.png"
            groups[image] = str(case)
            made.put(image, f"png/masks/Case{case:02d}_segmentation_slice_{number:02d}.png", gland, two_values(gland), channels=1)
    return Expected(made.truth, ANY, masks=made.masks, groups=groups)


def kvasir_instrument(root: Path, rng: np.random.Generator) -> Expected:
    """Why: folders named twice, lists of bare names give the parts, boxes in JSON."""
    made, parts = Made(root, rng), {}
    for number in range(8):
        name, tool = f"ck{hexadecimal(rng, 23)}", blob(rng)
        image = f"kvasir-instrument/images/images/{name}.jpg"
        parts[image] = "train" if number < 6 else "test"
        made.put(image, f"kvasir-instrument/masks/masks/{name}.png", tool, grey3(two_values(tool)))
    for part in ("train", "test"):
        write(root / f"kvasir-instrument/{part}.txt", "".join(f"{Path(image).stem}\n" for image in parts if parts[image] == part))
    write(root / "kvasir-instrument/bboxes.json", "{}")
    return Expected(made.truth, ANY, masks=made.masks, parts=parts)


def uw_madison(root: Path, rng: np.random.Generator) -> Expected:
    """Why: run lengths along the rows whose ids are put together from folders and a part of the file name; 16-bit slices."""
    truth, rows = {}, ["id,class,segmentation"]
    for case, day in ((123, 20), (123, 22), (77, 0), (2, 1)):
        for number in (1, 2, 80):
            image = f"train/case{case}/case{case}_day{day}/scans/slice_{number:04d}_64_48_1.50_1.50.png"
            ids = truth[image] = regions(rng, 4) * np.uint8(number > 1)
            path = root / image
            save_deep(path, photo(rng, channels=1).astype(np.uint16) * 60)
            for value, name in enumerate(("large_bowel", "small_bowel", "stomach"), start=1):
                rows.append(f"case{case}_day{day}_slice_{number:04d},{name},{run_lengths((ids == value).T) if number > 1 else ''}")
    write(root / "train.csv", "\n".join(rows) + "\n")
    write(root / "sample_submission.csv", "id,class,predicted\n")
    empty = frozenset(image for image in truth if not truth[image].any())
    names = (None, "large_bowel", "small_bowel", "stomach")
    return Expected(truth, frozenset({"rle"}), classes=names, optional=empty, asks="may")


def drishti(root: Path, rng: np.random.Generator) -> Expected:
    """Why: soft maps of four annotators (0, 64, 128, 191, 255) in a folder a picture, disc and cup, outlines as text."""
    exclusive, overlapping = {}, {}
    for number in (2, 4, 8, 10, 12, 15):
        name = f"drishtiGS_{number:03d}"
        image = f"Drishti-GS1_files/Training/Images/{name}.png"
        disc, cup = blob(rng, part=0.4), blob(rng, part=0.1)
        disc |= cup
        exclusive[image] = (disc + cup).astype(np.uint8)
        overlapping[image] = np.stack([cup > 0, disc > 0])
        save(root / image, photo(rng))
        base = f"Drishti-GS1_files/Training/GT/{name}"
        for mask, kind in ((cup, "cup"), (disc, "OD")):
            soft = np.where(mask > 0, 255, 0).astype(np.uint8)
            edge = np.roll(mask, 1, axis=1) != mask
            soft = np.where(edge, np.where(mask > 0, rng.choice([191, 255], SIZE), rng.choice([0, 64], SIZE)), soft).astype(
                np.uint8
            )
            save(root / f"{base}/SoftMap/{name}_{kind}segSoftmap.png", soft)
            write(root / f"{base}/AvgBoundary/{name}_{kind}AvgBoundary.txt", "10 20 \n11 21 \n")
        write(root / f"{base}/{name}_cdrValues.txt", "0.66 0.7 0.61 0.6")
    names = ("cupsegSoftmap", "ODsegSoftmap")
    stacked = Expected(overlapping, LAYERS, classes=names, agreement=0.97)
    return Expected(
        exclusive,
        LAYERS | ANY,
        classes=(None,) * 3,
        asks="may",
        agreement=0.97,
        alternatives=(stacked, replace(stacked, classes=("cup", "OD")), replace(stacked, classes=("cupseg", "ODseg"))),
    )


SETS = {
    build.__name__: build
    for build in (
        hrf,
        hyper_kvasir,
        etis,
        polyp_benchmark,
        nerve,
        origa,
        covid_ct,
        siim_like,
        shenzhen_montgomery,
        ham10000,
        prostate_slices,
        kvasir_instrument,
        uw_madison,
        drishti,
    )
}
