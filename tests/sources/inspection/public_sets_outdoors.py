"""Trails, forests, water and sky in miniature: colour maps as text and YAML, several pictures a scene."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from public_sets_drawing import (
    VOID,
    Expected,
    blob,
    paint,
    photo,
    regions,
    save,
    some_regions,
    through_jpeg,
    write,
)
from public_sets_making import ANY, Made, coloured, two_values

RUGD = """0 void 0 0 0
1 dirt 108 64 20
2 sand 255 229 204
3 grass 0 102 0
4 tree 0 255 0
5 pole 0 153 153
6 water 0 128 255
7 sky 0 0 255
8 vehicle 255 255 0
9 container/generic-object 255 0 127
10 asphalt 64 64 64
11 gravel 255 128 0
12 building 255 0 0
"""


def rugd(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a colour map with rows "id name r g b" among the masks; a folder a sequence; void is black."""
    made, groups = Made(root, rng), {}
    rows = [line.split() for line in RUGD.splitlines()]
    colours = [tuple(int(v) for v in row[2:]) for row in rows]
    for place, scene in enumerate(("creek", "park-1", "trail", "village")):
        for frame in (1, 6, 101):
            ids = some_regions(rng, 13, 5, always=(0, 1 + (3 * place + frame) % 12, 1 + (len(groups)) % 12))
            image = f"RUGD_frames-with-annotations/{scene}/{scene}_{frame:05d}.png"
            groups[image] = scene
            truth = np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8)
            made.put(image, f"RUGD_annotations/{scene}/{scene}_{frame:05d}.png", truth, coloured(*colours)(ids))
    write(root / "RUGD_annotations/RUGD_annotation-colormap.txt", RUGD)
    return Expected(made.truth, ANY, classes=tuple(row[1] for row in rows[1:]), masks=made.masks, void="either", groups=groups)


def rellis(root: Path, rng: np.random.Generator) -> Expected:
    """Why: ids beside the same in colours; the ontology is YAML: a list of two mappings, id to name and id to colour."""
    made, painted, groups = Made(root, rng), {}, {}
    names = {0: "void", 1: "dirt", 3: "grass", 4: "tree", 5: "pole", 7: "sky", 17: "person", 33: "mud", 34: "rubble"}
    colours = dict(
        zip(
            names,
            (
                (0, 0, 0),
                (108, 64, 20),
                (0, 102, 0),
                (0, 255, 0),
                (0, 153, 153),
                (0, 0, 255),
                (204, 153, 255),
                (99, 66, 34),
                (110, 22, 138),
            ),
            strict=True,
        )
    )
    for sequence in range(4):
        for frame in range(3):
            index = some_regions(rng, 9, 5, always=(0, 1 + (sequence * 3 + frame) % 8))
            ids = np.array(list(names), np.uint8)[index]
            name = f"frame{frame:06d}-15816{sequence * 7 + 24}65{frame}_{750 - 57 * frame}"
            base = f"Rellis-3D/{sequence:05d}"
            image = f"{base}/pylon_camera_node/{name}.jpg"
            groups[image] = str(sequence)
            truth = np.where(index == 0, VOID, index - np.uint8(1)).astype(np.uint8)
            made.put(image, f"{base}/pylon_camera_node_label_id/{name}.png", truth, ids)
            painted[image] = f"{base}/pylon_camera_node_label_color/{name}.png"
            save(root / painted[image], paint(ids, colours))
    listed = "\n".join(f'    {k}: "{name}"' for k, name in names.items())
    shown = "\n".join(f"    {k}: [{r}, {g}, {b}]" for k, (r, g, b) in colours.items())
    write(root / "Rellis_3D_ontology/ontology.yaml", f"-\n{listed}\n-\n{shown}\n")
    as_ids = Expected(
        made.truth, ANY, classes=tuple(names.values())[1:], masks=made.masks, void="either", groups=groups, asks="may"
    )
    return replace(as_ids, alternatives=(replace(as_ids, masks=painted),))


def freiburg_forest(root: Path, rng: np.random.Generator) -> Expected:
    """Why: five pictures of each scene (RGB, infrared, depth, an index), the masks in GT_color, names with and without _Clipped."""
    made, parts = Made(root, rng), {}
    colours = ((170, 170, 170), (0, 255, 0), (102, 102, 51), (0, 120, 255), (0, 0, 0))
    for part, numbers in (("train", (9517, 9612, 10112, 10211, 11020)), ("test", (1119, 1262, 1320))):
        for number in numbers:
            ids = regions(rng, 5)
            name = f"b1-{number:05d}_Clipped"
            base = f"freiburg_forest_annotated/{part}"
            image = f"{base}/rgb/{name}.jpg"
            parts[image] = part
            made.put(image, f"{base}/GT_color/{name}.png", ids, coloured(*colours)(ids))
            for kind, suffix in (("nir_gray", "tif"), ("depth_gray", "png"), ("evi_gray", "tif")):
                save(root / f"{base}/{kind}/{name}.{suffix}", photo(rng, channels=1))
            save(root / f"{base}/nir_color/{name}.jpg", photo(rng))
    readings = [
        Expected(
            made.truth,
            ANY | {"layers"},
            classes=(None,) * 5,
            masks=made.masks,
            parts=parts,
            picture_files=files,
            void="either",
            asks="may",
        )
        for files in (1, 5)
    ]
    return replace(readings[0], alternatives=(readings[1],))


def suim(root: Path, rng: np.random.Generator) -> Expected:
    """Why: eight corners of the colour cube in .bmp, which once were JPEG; TEST and train_val as folders."""
    made = Made(root, rng)
    colours = ((0, 0, 0), (0, 0, 255), (0, 255, 0), (0, 255, 255), (255, 0, 0), (255, 0, 255), (255, 255, 0), (255, 255, 255))
    for folder, number in (("train_val", 8), ("TEST", 3)):
        for index in range(number):
            ids = some_regions(rng, 8, 5, always=(index % 8,), size=(72, 96))
            name = f"d_r_{index * 13 + len(folder)}_"
            noisy = through_jpeg(coloured(*colours)(ids), quality=90)
            made.put(f"SUIM/{folder}/images/{name}.jpg", f"SUIM/{folder}/masks/{name}.bmp", ids, noisy)
    return Expected(made.truth, ANY, classes=(None,) * 8, masks=made.masks, void="either", agreement=0.93)


def sky_finder(root: Path, rng: np.random.Generator) -> Expected:
    """Why: one mask serves all pictures of a camera, and is named as the folder."""
    made = Made(root, rng)
    for camera in (10066, 10870, 1093, 11160):
        sky = blob(rng, part=0.5)
        for day in (1, 2, 3):
            made.put(f"images/{camera}/201201{day:02d}_120144.jpg", f"masks/{camera}.png", sky, two_values(sky))
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


SETS = {
    build.__name__: build
    for build in (
        rugd,
        rellis,
        freiburg_forest,
        suim,
        sky_finder,
    )
}
