"""The twists of published sets, each laid alone on a plain one."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from public_sets_drawing import (
    COLOURS,
    FILES,
    REFUSED,
    SIZE,
    Expected,
    blob,
    lines,
    paint,
    photo,
    regions,
    save,
    save_deep,
    write,
)

SURFACE = {"water": (36, 100, 200), "sand": (220, 200, 120), "rock": (110, 110, 116), "grass": (60, 160, 70)}


def _painted(root: Path, rng: np.random.Generator, name: str = "masks/{}.png", suffix: str = ".jpg") -> Expected:
    """Return a plain set of four painted classes in images/ and masks/, on which each twist is laid."""
    truth, masks = {}, {}
    for number in range(8):
        image = f"images/shore_{number:02d}{suffix}"
        masks[image] = name.format(f"shore_{number:02d}")
        truth[image] = regions(rng, 4)
        save(root / image, photo(rng))
    return Expected(truth, COLOURS, classes=(None,) * 4, masks=masks)


def _paint_all(root: Path, expected: Expected) -> None:
    for image, mask in expected.masks.items():
        save(root / mask, paint(expected.truth[image], dict(enumerate(SURFACE.values()))))


def deep_colours(root: Path, rng: np.random.Generator) -> Expected:
    """Why: 16-bit RGBA colour masks: the high byte is the colour, alpha says nothing."""
    expected = _painted(root, rng)
    for image, mask in expected.masks.items():
        colours = paint(expected.truth[image], dict(enumerate(SURFACE.values()))).astype(np.uint16) * 257
        save_deep(root / mask, np.dstack([colours, np.full(SIZE, 65535, np.uint16)]))
    return expected


def table_off_by_two(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the table's colours are one or two levels away from those painted, columns in another order, with a semicolon."""
    expected = _painted(root, rng)
    _paint_all(root, expected)
    rows = [f"{b - 2};{g + 1};{r + 1};{name}" for name, (r, g, b) in SURFACE.items()]
    write(root / "classes.csv", "b;g;r;class\n" + "\n".join(rows) + "\n")
    return replace(expected, classes=tuple(SURFACE))


def table_of_others(root: Path, rng: np.random.Generator) -> Expected:
    """Why: the table names four colours that occur nowhere: it is not used, and names are made up."""
    expected = _painted(root, rng)
    _paint_all(root, expected)
    others = [("hall", "#FF00FF"), ("stairs", "#00FFFF"), ("lift", "#800080"), ("roof", "#FFFF00")]
    write(root / "classes.json", json.dumps({"classes": [{"title": name, "shape": "polygon", "color": c} for name, c in others]}))
    return expected


def table_in_json(root: Path, rng: np.random.Generator) -> Expected:
    """Why: a table with hexadecimal colours in JSON that does match."""
    expected = _painted(root, rng)
    _paint_all(root, expected)
    entries = [
        {"title": name, "shape": "bitmap", "color": "#{:02x}{:02x}{:02x}".format(*colour)} for name, colour in SURFACE.items()
    ]
    write(root / "meta.json", json.dumps({"classes": entries, "tags": []}))
    return replace(expected, classes=tuple(SURFACE))


def half_size_masks(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks of half the pictures' height and width."""
    expected = _painted(root, rng)
    truth = {}
    for image, mask in expected.masks.items():
        small = expected.truth[image][::2, ::2]
        truth[image] = small.repeat(2, 0).repeat(2, 1)
        save(root / mask, paint(small, dict(enumerate(SURFACE.values()))))
    return replace(expected, truth=truth, resized=True)


def resampled_colours(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks that somebody resized smoothly: mixtures of neighbours on every edge are no classes."""
    expected = _painted(root, rng)
    for image, mask in expected.masks.items():
        large = paint(expected.truth[image], dict(enumerate(SURFACE.values()))).repeat(4, 0).repeat(4, 1)
        save(root / mask, cv2.resize(cv2.GaussianBlur(large, (0, 0), 3), SIZE[::-1], interpolation=cv2.INTER_AREA))
    return replace(expected, agreement=0.95)


def jpeg_colours(root: Path, rng: np.random.Generator) -> Expected:
    """Why: colour masks saved as JPEG with halved colour resolution."""
    expected = _painted(root, rng, name="masks/{}.jpg")
    for image, mask in expected.masks.items():
        save(root / mask, paint(expected.truth[image], dict(enumerate(SURFACE.values()))), quality=80)
    return replace(expected, agreement=0.95)


def prefixes(root: Path, rng: np.random.Generator) -> Expected:
    """Why: img_01.jpg and mask_01.png in one folder: they differ in front."""
    truth, masks = {}, {}
    for number in range(8):
        image = f"img_{number:02d}.jpg"
        masks[image] = f"mask_{number:02d}.png"
        truth[image] = blob(rng)
        save(root / image, photo(rng))
        save(root / masks[image], truth[image] * 255)
    return Expected(truth, FILES, masks=masks)


def _two_values(root: Path, rng: np.random.Generator, value: int) -> Expected:
    truth, masks = {}, {}
    for number in range(8):
        image = f"road/images/{number + 1}.png"
        masks[image] = f"road/gt/{number + 1}.png"
        truth[image] = lines(rng, thickness=6)
        save(root / image, photo(rng))
        save(root / masks[image], truth[image] * np.uint8(value))
    return Expected(truth, FILES, masks=masks)


def peak_of_one(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks of 0 and 1, which look black."""
    return _two_values(root, rng, 1)


def peak_of_128(root: Path, rng: np.random.Generator) -> Expected:
    """Why: masks of 0 and 128."""
    return _two_values(root, rng, 128)


def photos_alone(root: Path, rng: np.random.Generator) -> Expected:
    """Why: pictures without any mask: an error that lists the forms."""
    for number in range(6):
        save(root / f"holiday/DSC_{number:04d}.JPG", photo(rng), format="JPEG")
    return REFUSED


SETS = {
    build.__name__: build
    for build in (
        deep_colours,
        table_off_by_two,
        table_of_others,
        table_in_json,
        half_size_masks,
        resampled_colours,
        jpeg_colours,
        prefixes,
        peak_of_one,
        peak_of_128,
        photos_alone,
    )
}
