"""What people have in their own folders: odd names, tables of their own, pictures without masks."""

import json
from pathlib import Path

import numpy as np
from public_sets_drawing import (
    VOID,
    Expected,
    bands,
    blob,
    hexadecimal,
    photo,
    regions,
    save,
    save_deep,
    save_palette,
    save_raster,
    write,
)
from public_sets_making import ANY, Made, coloured, many_colours, two_values

FOUR = ((36, 100, 200), (220, 200, 120), (110, 110, 116), (60, 160, 70))


def pairs_in_a_table(root: Path, rng: np.random.Generator) -> Expected:
    """Why: names that share nothing; a CSV (semicolons) ties picture to mask."""
    made, rows = Made(root, rng), ["External ID;Created At;Mask"]
    for number in range(8):
        name, label = f"IMG_{2012 + number * 7}.jpg", f"ck{hexadecimal(rng, 23)}.png"
        area = blob(rng)
        made.put(f"photos/{name}", f"labels/{label}", area, two_values(area))
        rows.append(f"{name};2022-03-0{number + 1}T10:00:00;{label}")
    write(root / "export.csv", "\n".join(rows) + "\n")
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


def dates_with_dots(root: Path, rng: np.random.Generator) -> Expected:
    """Why: names with spaces and a dot that is no suffix; _gt in the same folder."""
    made = Made(root, rng)
    for number in range(8):
        area = blob(rng)
        name = f"export/2023-01-{5 + number:02d} 12.{30 + number}"
        made.put(f"{name}.jpg", f"{name}_gt.png", area, two_values(area))
    return Expected(made.truth, ANY, masks=made.masks)


def numbered_scans(root: Path, rng: np.random.Generator) -> Expected:
    """Why: scan, scan (1), scan (2) as a scanner writes them; tif in colours."""
    made = Made(root, rng)
    for number in range(9):
        ids = regions(rng, 4)
        name = "scan" if not number else f"scan ({number})"
        made.put(f"Scans/{name}.tif", f"Marked/{name}.png", ids, coloured(*FOUR)(ids))
    return Expected(made.truth, ANY, classes=(None,) * 4, masks=made.masks)


def table_in_yaml(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a legend in YAML, whose colours are one or two levels off; names with spaces."""
    made = Made(root, rng)
    names = ("deep water", "dry sand", "bare rock", "short grass")
    for number in range(8):
        ids = regions(rng, 4)
        made.put(f"pics/p{number}.jpg", f"labels/p{number}.png", ids, coloured(*FOUR)(ids))
    rows = "\n".join(
        f"  - name: {name}\n    color: [{r + 1}, {g - 2}, {b + 1}]" for name, (r, g, b) in zip(names, FOUR, strict=True)
    )
    write(root / "legend.yaml", f"version: 3\nlegend:\n{rows}\n")
    return Expected(made.truth, ANY, classes=names, masks=made.masks)


def deep_transparent(root: Path, rng: np.random.Generator) -> Expected:
    """Why: 16-bit RGBA colours, transparent black where nothing is painted; mask_ before the name."""
    made = Made(root, rng)
    for number in range(8):
        ids = regions(rng, 4)
        mask = f"annotated/mask_site{number:02d}.png"
        made.put(f"raw/site{number:02d}.png", mask, ids, None)
        colours = coloured((0, 0, 0), (200, 30, 30), (30, 180, 40), (40, 60, 220))(ids).astype(np.uint16) * 257
        (root / "annotated").mkdir(exist_ok=True)
        save_deep(root / mask, np.dstack([colours, np.where(ids > 0, 65535, 0).astype(np.uint16)]))
    return Expected(made.truth, ANY, classes=(None,) * 4, masks=made.masks, void="either")


def one_table_of_parts(root: Path, rng: np.random.Generator) -> Expected:
    """Why: one CSV with a column `split` gives the parts and names pictures that are missing."""
    made, parts, rows = Made(root, rng), {}, ["filename,split,site"]
    for number in range(12):
        part = ("train", "train", "val", "test")[number % 4]
        area = blob(rng)
        image = f"images/tank_{number:03d}.png"
        parts[image] = part
        made.put(image, f"masks/tank_{number:03d}.png", area, two_values(area))
        rows += [f"tank_{number:03d}.png,{part},north", f"tank_{number + 500:03d}.png,{part},south"]
    write(root / "splits.csv", "\n".join(rows) + "\n")
    return Expected(made.truth, ANY, masks=made.masks, parts=parts)


def masks_twice_as_large(root: Path, rng: np.random.Generator) -> Expected:
    """Why: palette masks of twice the pictures' size."""
    made = Made(root, rng)
    for number in range(8):
        ids = regions(rng, 4)
        mask = f"annotations/{number:04d}.png"
        made.put(f"frames/{number:04d}.jpg", mask, ids, None)
        save_palette(root / mask, ids.repeat(2, 0).repeat(2, 1), many_colours(4))
    return Expected(made.truth, ANY, classes=(None,) * 4, masks=made.masks, resized=True, agreement=0.97)


def grey_peak_200(root: Path, rng: np.random.Generator) -> Expected:
    """Why: JPEG masks of 0 and about 200, -mask.jpeg in the folder of the pictures."""
    made = Made(root, rng)
    for number in range(8):
        area = blob(rng)
        made.put(f"welds/W{number:03d}.jpeg", f"welds/W{number:03d}-mask.jpeg", area, two_values(area, 200), quality=70)
    return Expected(made.truth, ANY, masks=made.masks, agreement=0.98)


def seven_bands(root: Path, rng: np.random.Generator) -> Expected:
    """Why: seven bands of 16 bits and a mask of ids beside it, both GeoTIFF, in one folder."""
    truth, masks = {}, {}
    for number in range(1, 9):
        image = f"patches/field_{number:04d}.tif"
        masks[image] = f"patches/field_{number:04d}_label.tif"
        truth[image] = regions(rng, 4)
        save_raster(root / image, bands(rng, 7))
        save_raster(root / masks[image], truth[image][np.newaxis])
    return Expected(truth, ANY, classes=(None,) * 4, masks=masks)


def composite_left(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the mask is the left half of a JPEG, three colours."""
    truth = {}
    for number in range(10):
        image = f"pairs/{number:03d}.jpg"
        ids = truth[image] = regions(rng, 3, (128, 128))
        both = np.hstack([coloured((230, 25, 75), (60, 180, 75), (0, 130, 200))(ids), photo(rng, (128, 128))])
        save(root / image, both, quality=92)
    return Expected(truth, frozenset({"composite"}), classes=(None,) * 3, agreement=0.95)


def dotted_mask(root: Path, rng: np.random.Generator) -> Expected:
    """Why: rock.001.jpg and rock.001.mask.png: dots part everything; a preview of each lies beside."""
    made = Made(root, rng)
    for number in range(8):
        area = blob(rng)
        pixels = photo(rng)
        made.put(f"set/rock.{number:03d}.jpg", f"set/rock.{number:03d}.mask.png", area, two_values(area))
        pixels[area > 0] = pixels[area > 0] // 2 + np.array([127, 0, 0], np.uint8)
        save(root / f"set/rock.{number:03d}.preview.jpg", pixels)
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


def letter_case(root: Path, rng: np.random.Generator) -> Expected:
    """Why: IMG_0001.JPG and img_0001.png."""
    made = Made(root, rng)
    for number in range(1, 9):
        ids = regions(rng, 3)
        made.put(f"Photos/IMG_{number:04d}.JPG", f"Labels/img_{number:04d}.png", ids, ids)
    return Expected(made.truth, ANY, classes=(None,) * 3, masks=made.masks)


def uneven_zeros(root: Path, rng: np.random.Generator) -> Expected:
    """Why: img_1.png and mask_001.png: the numbers are the same, their zeros are not."""
    made = Made(root, rng)
    for number in range(1, 13):
        area = blob(rng)
        made.put(f"images/img_{number}.png", f"masks/mask_{number:03d}.png", area, two_values(area))
    # form layers compares numbers whatever their zeros; the others cannot say it
    return Expected(made.truth, ANY | {"layers"}, masks=made.masks, asks="may")


def messy_folder(root: Path, rng: np.random.Generator) -> Expected:
    """Why: pictures without mask, masks without picture, thumbnails, system files, an overview, notes."""
    made = Made(root, rng)
    for number in range(9):
        area = blob(rng)
        made.put(f"images/plot{number}.jpg", f"masks/plot{number}.png", area, two_values(area))
    for number in range(20, 25):
        save(root / f"images/plot{number}.jpg", photo(rng))
    for number in (30, 31):
        save(root / f"masks/plot{number}.png", two_values(blob(rng)))
    save(root / "overview.jpg", photo(rng, (80, 120)))
    write(root / "notes.txt", "2, 3 redone\nred = weeds?\n")
    write(root / "todo.csv", "plot,who\n2,Ann\n3,Bo\n")
    for name in ("images/Thumbs.db", ".DS_Store", "masks/desktop.ini"):
        (root / name).write_bytes(b"\0\1\2")
    return Expected(made.truth, ANY, masks=made.masks)


def ids_with_void_first(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids 10, 20, 30 and a table id,label (JSON list) of which 0 is "unlabelled"."""
    made = Made(root, rng)
    for number in range(8):
        ids = regions(rng, 4)
        truth = np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8)
        made.put(f"in/t{number:02d}.jpg", f"out/t{number:02d}.png", truth, ids * np.uint8(10))
    table = [
        {"id": 0, "label": "unlabelled"},
        {"id": 10, "label": "wall"},
        {"id": 20, "label": "pipe"},
        {"id": 30, "label": "valve"},
    ]
    write(root / "labels.json", json.dumps(table))
    return Expected(made.truth, ANY, classes=("wall", "pipe", "valve"), masks=made.masks, void="either")


def cameras_and_days(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks in a folder below each folder of pictures, at uneven depths, the same names everywhere: all, or a question."""
    made = Made(root, rng)
    for folder in ("north/monday", "north/tuesday", "south/monday", "yard"):
        for number in range(3):
            ids = regions(rng, 3)
            made.put(f"{folder}/img{number}.png", f"{folder}/labels/img{number}.png", ids, coloured(*FOUR)(ids))
    return Expected(made.truth, ANY, classes=(None,) * 3, masks=made.masks, asks="may")


SETS = {
    build.__name__: build
    for build in (
        pairs_in_a_table,
        dates_with_dots,
        numbered_scans,
        table_in_yaml,
        deep_transparent,
        one_table_of_parts,
        masks_twice_as_large,
        grey_peak_200,
        seven_bands,
        composite_left,
        dotted_mask,
        letter_case,
        uneven_zeros,
        messy_folder,
        ids_with_void_first,
        cameras_and_days,
    )
}
