"""People, rooms and text in miniature: mattes, exports of whole projects, sets that come twice."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from public_sets_drawing import (
    VOID,
    Expected,
    blob,
    grey3,
    hexadecimal,
    paint,
    photo,
    save,
    some_regions,
    things,
    write,
)
from public_sets_making import ANY, Made, two_values


def coco_stuff(root: Path, rng: np.random.Generator) -> Expected:
    """Why: photos in train2017, masks in stuffthingmaps/train2017; 182 ids of which few occur, 255 is unlabelled."""
    made, parts = Made(root, rng), {}
    known = np.array([0, 1, 43, 66, 92, 123, 168, 181, 255], np.uint8)
    for part, number in (("train", 6), ("val", 3)):
        for index in range(number):
            name = f"{int(rng.integers(10**6)):012d}"
            chosen = some_regions(rng, 9, 5, always=(8, index % 8))
            image = f"images/{part}2017/{name}.jpg"
            parts[image] = part
            truth = np.where(chosen == 8, VOID, chosen).astype(np.uint8)
            made.put(image, f"annotations/stuffthingmaps_trainval2017/{part}2017/{name}.png", truth, known[chosen])
    return Expected(made.truth, ANY, classes=(None,) * 8, masks=made.masks, void="either", parts=parts)


def nyu_depth(root: Path, rng: np.random.Generator) -> Expected:
    """Why: RGB, HHA (depth painted in colours, a picture as well) and Label; lists name picture and mask with a tab between."""
    made, parts = Made(root, rng), {}
    for number in range(9):
        ids = some_regions(rng, 41, 6, always=(0, 1 + number, 10 + number, 20 + number))
        image = f"NYUDepthv2/RGB/{number}.jpg"
        parts[image] = "train" if number < 6 else "test"
        truth = np.where(ids == 0, VOID, ids - np.uint8(1)).astype(np.uint8)
        made.put(image, f"NYUDepthv2/Label/{number}.png", truth, ids)
        save(root / f"NYUDepthv2/HHA/{number}.jpg", photo(rng))
    for part in ("train", "test"):
        rows = [f"RGB/{Path(image).name}\tLabel/{Path(image).stem}.png" for image in parts if parts[image] == part]
        write(root / f"NYUDepthv2/{part}.txt", "\n".join(rows) + "\n")
    with_depth = Expected(made.truth, ANY, classes=(None,) * 40, masks=made.masks, void="either", parts=parts, picture_files=2)
    return replace(with_depth, picture_files=1, asks="may", alternatives=(with_depth,))


def lip(root: Path, rng: np.random.Generator) -> Expected:
    """Why: train_images beside train_segmentations in two trees; lists of bare names; test pictures without."""
    made, parts = Made(root, rng), {}
    for part, numbers in (("train", range(6)), ("val", range(6, 9))):
        for number in numbers:
            ids = some_regions(rng, 20, 6, always=(0, 1 + number, 10 + number))
            name = f"{100034 + 137 * number}_{483681 + number}"
            image = f"TrainVal_images/{part}_images/{name}.jpg"
            parts[image] = part
            made.put(image, f"TrainVal_parsing_annotations/{part}_segmentations/{name}.png", ids, ids)
        names = [Path(image).stem for image in parts if parts[image] == part]
        write(root / f"TrainVal_images/{part}_id.txt", "\n".join(names) + "\n")
    save(root / "Testing_images/testing_images/100012_501646.jpg", photo(rng))
    return Expected(made.truth, ANY, classes=(None,) * 20, masks=made.masks, parts=parts)


def supervisely_person(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a project export: img, ann (JSON), masks_machine (1, 1, 1) and masks_human in the class's colour, meta.json."""
    human, machine = Made(root, rng), {}
    for number, source in enumerate(
        ("bodybuilder-weight-training", "woman (2)", "pexels-photo.v2", "beach-1867271_960_720", "city", "run")
    ):
        for folder in ("ds1", "ds2"):
            name = f"{source}-{number}.png"
            person = blob(rng)
            image = f"Supervisely Person/{folder}/img/{name}"
            human.put(image, f"Supervisely Person/{folder}/masks_human/{name}", person, paint(person, {1: (246, 255, 0)}))
            machine[image] = f"Supervisely Person/{folder}/masks_machine/{name}"
            save(root / machine[image], grey3(person))
            write(
                root / f"Supervisely Person/{folder}/ann/{name}.json",
                json.dumps({"tags": [], "size": {"height": 48, "width": 64}, "objects": []}),
            )
    meta = {"classes": [{"title": "person", "shape": "bitmap", "color": "#F6FF00"}], "tags": []}
    write(root / "Supervisely Person/meta.json", json.dumps(meta))
    write(root / "Supervisely Person/obj_class_to_machine_color.json", json.dumps({"person": [1, 1, 1]}))
    as_human = Expected(human.truth, ANY, classes=(None, "person"), masks=human.masks, asks="may")
    return replace(as_human, alternatives=(replace(as_human, masks=machine),))


def clothes(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the set twice, JPEG and PNG; img_0001 and seg_0001; ids in the PNG, spoilt in the JPEG; a table of ids and names."""
    made = Made(root, rng)
    names = [
        "null",
        "accessories",
        "bag",
        "belt",
        "blazer",
        "blouse",
        "bodysuit",
        "boots",
        "bra",
        "bracelet",
        "cape",
        "cardigan",
        "coat",
        "dress",
    ]
    for number in range(1, 10):
        ids = some_regions(rng, 14, 5, always=(0, number, number + 4))
        made.put(f"png_images/IMAGES/img_{number:04d}.png", f"png_masks/MASKS/seg_{number:04d}.png", ids, ids)
        save(root / f"jpeg_images/IMAGES/img_{number:04d}.jpeg", photo(rng))
        save(root / f"jpeg_masks/MASKS/seg_{number:04d}.jpeg", ids)
    write(root / "labels.csv", ",label_list\n" + "".join(f"{k},{name}\n" for k, name in enumerate(names)))
    photos = {image: image.replace("png_images", "jpeg_images").replace(".png", ".jpeg") for image in made.truth}
    by_png = Expected(made.truth, ANY, classes=(None, *names[1:]), masks=made.masks, asks="may")
    other = replace(
        by_png,
        truth={photos[image]: ids for image, ids in made.truth.items()},
        masks={photos[image]: mask for image, mask in made.masks.items()},
    )
    return replace(by_png, alternatives=(other,))


def cut_out_people(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the mask is the alpha of a PNG whose colours are the photo: either that is read, or it asks."""
    made = Made(root, rng)
    for batch in (1803151818, 1803201916):
        for number in range(5):
            person, name = blob(rng), f"{batch}-{number:08d}"
            mask = f"matting/{batch}/matting_00000000/{name}.png"
            made.put(f"clip_img/{batch}/clip_00000000/{name}.jpg", mask, person, np.dstack([photo(rng), two_values(person)]))
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


def portrait_mattes(root: Path, rng: np.random.Generator) -> Expected:
    """Why: grey mattes with wide soft edges, JPEG, folder `matte`; foregrounds beside."""
    made = Made(root, rng)
    for _ in range(8):
        person, name = blob(rng, part=0.4), f"{rng.integers(10**9)}_{hexadecimal(rng, 10)}_o.jpg"
        soft = cv2.GaussianBlur(two_values(person), (0, 0), 1.6)
        made.put(f"PPM-100/image/{name}", f"PPM-100/matte/{name}", person, soft, quality=92)
    return Expected(made.truth, ANY, masks=made.masks, agreement=0.93)


def icdar_text(root: Path, rng: np.random.Generator) -> Expected:
    """Why: each letter has a colour of its own on white: one class, or a question."""
    made = Made(root, rng)
    for number in range(100, 108):
        letters = things(rng, 9)
        colours = {0: (255, 255, 255), **{k: tuple(int(v) for v in rng.integers(0, 250, 3)) for k in range(1, 10)}}
        mask = f"Challenge2_Training_Task2_GT/{number}_GT.bmp"
        made.put(f"Challenge2_Training_Task12_Images/{number}.jpg", mask, two_values(letters, 1), paint(letters, colours))
        write(root / f"Challenge2_Training_Task2_GT/{number}_GT.txt", '237 28 36 171 141 165 119 176 141 "T"\n')
    return Expected(made.truth, ANY, masks=made.masks, asks="may")


SETS = {
    build.__name__: build
    for build in (
        coco_stuff,
        nyu_depth,
        lip,
        supervisely_person,
        clothes,
        cut_out_people,
        portrait_mattes,
        icdar_text,
    )
}
