"""Industry, and what annotation tools export, in miniature: flawless pictures without a mask, objects beside classes."""

from pathlib import Path

import numpy as np
from public_sets_drawing import (
    REFUSED,
    SIZE,
    Expected,
    blob,
    hexadecimal,
    lines,
    paint,
    photo,
    regions,
    save,
    save_palette,
    some_regions,
    things,
    write,
)
from public_sets_making import ANY, Made, coloured, many_colours, two_values


def crack_forest(root: Path, rng: np.random.Generator) -> Expected:
    """Why: image, groundTruth (.mat), seg (text) and groundTruthPngImg, the same numbers in all."""
    made = Made(root, rng)
    base = "CrackForest-dataset-master"
    for number in range(1, 10):
        crack = lines(rng, thickness=2)
        made.put(f"{base}/image/{number:03d}.jpg", f"{base}/groundTruthPngImg/{number:03d}.png", crack, two_values(crack))
        write(root / f"{base}/seg/{number:03d}.seg", "format ascii cr\ndate Sat Sep 26\nimage 1\n")
        (root / f"{base}/groundTruth").mkdir(exist_ok=True)
        (root / f"{base}/groundTruth/{number:03d}.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    return Expected(made.truth, ANY, masks=made.masks)


def dagm(root: Path, rng: np.random.Generator) -> Expected:
    """Why: only defective pictures have a label, in a folder below the pictures', with _label and .PNG; names repeat."""
    made, parts, flawless = Made(root, rng), {}, {}
    for kind in ("Class1", "Class2"):
        for part in ("Train", "Test"):
            for number in range(576, 584):
                image = f"{kind}/{part}/{number:04d}.PNG"
                parts[image] = part.lower()
                if number % 2:
                    flawless[image] = np.zeros(SIZE, np.uint8)
                    save(root / image, photo(rng, channels=1))
                    continue
                flaw = blob(rng, part=0.08)
                made.put(image, f"{kind}/{part}/Label/{number:04d}_label.PNG", flaw, two_values(flaw), channels=1)
            write(root / f"{kind}/{part}/Label/Labels.txt", "1\n1\t1\t0576.PNG\t1\t0576_label.PNG\n2\t0\t0577.PNG\t0\t0\n")
    optional = frozenset(flawless)
    return Expected({**made.truth, **flawless}, ANY, masks=made.masks, optional=optional, parts=parts)


def mvtec_ad(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks exist for the test pictures with defects alone: taken as `test`, nothing would be left to train on."""
    made, flawless = Made(root, rng), {}
    for number in range(5):
        for place in ("train/good", "test/good"):
            image = f"bottle/{place}/{number:03d}.png"
            flawless[image] = np.zeros(SIZE, np.uint8)
            save(root / image, photo(rng))
        for kind in ("broken_large", "broken_small", "contamination"):
            flaw = blob(rng, part=0.1)
            made.put(
                f"bottle/test/{kind}/{number:03d}.png", f"bottle/ground_truth/{kind}/{number:03d}_mask.png", flaw, two_values(flaw)
            )
    write(root / "bottle/license.txt", "CC BY-NC-SA 4.0\n")
    write(root / "bottle/readme.txt", "MVTec AD\n")
    truth = {**made.truth, **flawless}
    parts = dict.fromkeys(truth, "")
    kinds = {
        image: mask * np.uint8(1 + ["large", "small", "ation"].index(Path(image).parent.name[-5:]))
        for image, mask in made.truth.items()
    }
    by_folder = Expected({**kinds, **flawless}, ANY | {"layers"}, classes=(None,) * 4, optional=frozenset(flawless), parts=parts)
    return Expected(truth, ANY, masks=made.masks, optional=frozenset(flawless), parts=parts, alternatives=(by_folder,))


def visa(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids 0 and 1 that look black, JPG photos, Anomaly in two trees, normal ones without; CSV files of pairs beside."""
    made, flawless, rows = Made(root, rng), {}, ["object,split,label,image,mask"]
    for kind in ("candle", "pcb1"):
        for number in range(6):
            image, mask = f"{kind}/Data/Images/Anomaly/{number:03d}.JPG", f"{kind}/Data/Masks/Anomaly/{number:03d}.png"
            flaw = blob(rng, part=0.1)
            made.put(image, mask, flaw, flaw)
            rows.append(f"{kind},test,anomaly,{image},{mask}")
            image = f"{kind}/Data/Images/Normal/{number:04d}.JPG"
            flawless[image] = np.zeros(SIZE, np.uint8)
            save(root / image, photo(rng))
            rows.append(f"{kind},{'train' if number < 4 else 'test'},normal,{image},")
    write(root / "split_csv/1cls.csv", "\n".join(rows) + "\n")
    return Expected({**made.truth, **flawless}, ANY, masks=made.masks, optional=frozenset(flawless))


def neu_seg(root: Path, rng: np.random.Generator) -> Expected:
    """Why: images/training beside annotations/training, grey photos, ids 0 to 3 of which a picture has two."""
    made, parts = Made(root, rng), {}
    for part, numbers in (("training", range(201, 208)), ("test", range(1, 5))):
        for number in numbers:
            ids = blob(rng) * np.uint8(1 + number % 3)
            image = f"NEU_Seg-main/images/{part}/{number:06d}.jpg"
            parts[image] = {"training": "train"}.get(part, part)
            made.put(image, f"NEU_Seg-main/annotations/{part}/{number:06d}.png", ids, ids, channels=1)
    return Expected(made.truth, ANY, classes=(None,) * 4, masks=made.masks, parts=parts)


def cvat_export(root: Path, rng: np.random.Generator) -> Expected:
    """Why: SegmentationClass in RGB, SegmentationObject with a colour an object, labelmap.txt (name:r,g,b::), default.txt."""
    made = Made(root, rng)
    table = {"background": (0, 0, 0), "rust": (250, 50, 83), "dent": (51, 221, 255), "scratch": (255, 204, 51)}
    for number in range(8):
        objects = things(rng, 7)
        ids = np.where(objects > 0, 1 + objects % 3, 0).astype(np.uint8)
        name = f"frame_{number:06d}"
        made.put(f"JPEGImages/{name}.jpg", f"SegmentationClass/{name}.png", ids, coloured(*table.values())(ids))
        save(root / f"SegmentationObject/{name}.png", paint(objects, {**many_colours(8), 0: (0, 0, 0)}))
    write(root / "ImageSets/Segmentation/default.txt", "".join(f"frame_{number:06d}\n" for number in range(8)))
    rows = [f"{name}:{r},{g},{b}::" for name, (r, g, b) in sorted(table.items())]
    write(root / "labelmap.txt", "# label:color_rgb:parts:actions\n" + "\n".join(rows) + "\n")
    return Expected(made.truth, ANY, classes=tuple(table), masks=made.masks)


def roboflow(root: Path, rng: np.random.Generator) -> Expected:
    """Why: x_jpg.rf.hash.jpg beside x_jpg.rf.hash_mask.png; _classes.csv with "Pixel Value, Class"; train, valid, test."""
    made, parts = Made(root, rng), {}
    for part, numbers in (("train", range(6)), ("valid", (6, 7)), ("test", (8, 9))):
        for number in numbers:
            ids = regions(rng, 3)
            name = f"{part}/frame-{number:04d}_jpg.rf.{hexadecimal(rng, 32)}"
            parts[f"{name}.jpg"] = {"valid": "val"}.get(part, part)
            made.put(f"{name}.jpg", f"{name}_mask.png", ids, ids)
        write(root / f"{part}/_classes.csv", "Pixel Value, Class\n0, background\n1, pothole\n2, patch\n")
    write(root / "README.roboflow.txt", "Roads - v1\nExported via roboflow.com\n")
    write(root / "README.dataset.txt", "# Roads\n")
    return Expected(made.truth, ANY, classes=("background", "pothole", "patch"), masks=made.masks, parts=parts)


def label_studio(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks are named by tasks, which no file ties to a photo: it asks instead of pairing by order."""
    for number in range(1, 7):
        save(root / f"export/{hexadecimal(rng, 8)}-crack_{number * 3:04d}.jpg", photo(rng))
        save(root / f"export/task-{number}-annotation-{number + 1}-by-1-tag-crack-0.png", two_values(lines(rng)))
    return REFUSED


def qupath_tiles(root: Path, rng: np.random.Generator) -> Expected:
    """Why: square brackets, equals signs and commas in names; a slide is a group."""
    made, groups = Made(root, rng), {}
    for slide in ("CMU-1", "CMU-2", "S 14"):
        for x in (0, 512, 1024):
            for y in (0, 512):
                ids = some_regions(rng, 4, 3, always=(0, 1 + (x + y) // 512 % 3))
                name = f"tiles/{slide} [d=2,x={x},y={y},w=512,h=512]"
                groups[f"{name}.jpg"] = slide
                made.put(f"{name}.jpg", f"{name}-labelled.png", ids, ids)
    return Expected(made.truth, ANY, classes=(None,) * 4, masks=made.masks, groups=groups)


def labelme_voc(root: Path, rng: np.random.Generator) -> Expected:
    """Why: palette ids in SegmentationClassPNG, photos with them drawn in (Visualization), objects, class_names.txt by line."""
    made = Made(root, rng)
    palette = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 255: (224, 224, 192)}
    base = "data_dataset_voc"
    for number in range(8):
        objects = things(rng, 6)
        ids = np.where(objects > 0, 1 + objects % 3, 0).astype(np.uint8)
        name = f"2011_{number * 3 + 3:06d}"
        mask = f"{base}/SegmentationClassPNG/{name}.png"
        made.put(f"{base}/JPEGImages/{name}.jpg", mask, ids, None)
        save_palette(root / mask, ids, palette)
        save_palette(root / f"{base}/SegmentationObjectPNG/{name}.png", objects, many_colours(8))
        shown = photo(rng) // 2 + paint(ids, palette) // 2
        for kind in ("Class", "Object"):
            save(root / f"{base}/Segmentation{kind}Visualization/{name}.jpg", shown)
            path = root / f"{base}/Segmentation{kind}/{name}.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, ids)
    write(root / f"{base}/class_names.txt", "_background_\nbus\ncar\nsofa\n")
    return Expected(made.truth, ANY, classes=("_background_", "bus", "car", "sofa"), masks=made.masks, asks="may")


SETS = {
    build.__name__: build
    for build in (
        crack_forest,
        dagm,
        mvtec_ad,
        visa,
        neu_seg,
        cvat_export,
        roboflow,
        label_studio,
        qupath_tiles,
        labelme_voc,
    )
}
