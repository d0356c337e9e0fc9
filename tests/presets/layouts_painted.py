"""Miniatures of the sets whose masks are pictures of colours, or of black and white."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scenes import Size, draw_boxes, draw_patches, fill_boxes, photograph, save, save_palette

from maskmill.sources.synthetic.sample import CLASS_COLOURS

FACADES = (  # 12 parts, as pix2pix packs them
    (0, 0, 222), (0, 48, 255), (0, 128, 255), (0, 207, 255), (32, 255, 224), (112, 255, 142),
    (192, 255, 63), (255, 240, 0), (255, 159, 0), (255, 80, 0), (255, 0, 0), (174, 0, 0),
)  # fmt: skip
CITYSCAPES = (  # by label id, 0 to 33
    (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (111, 74, 0), (81, 0, 81), (128, 64, 128), (244, 35, 232),
    (250, 170, 160), (230, 150, 140), (70, 70, 70), (102, 102, 156), (190, 153, 153), (180, 165, 180), (150, 100, 100),
    (150, 120, 90), (153, 153, 153), (153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152),
    (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100), (0, 0, 90), (0, 0, 110),
    (0, 80, 100), (0, 0, 230), (119, 11, 32),
)  # fmt: skip
DUBAI = ((60, 16, 152), (132, 41, 246), (110, 193, 228), (254, 221, 58), (226, 169, 41), (155, 155, 155))


def write_synthetic(folder: Path) -> None:
    """flightNN_SS.jpg of the bundled sample: photo left, colours right, both JPEG."""
    rng = np.random.default_rng(17)
    for number in range(21):
        _save_pair(rng, folder / f"flight{number // 3 + 1:02}_{number % 3 + 1:02}.jpg", CLASS_COLOURS, (80, 112))


def write_facades(folder: Path) -> None:
    """facades/{train,val,test}/N.jpg: photo left, colours right, both JPEG."""
    rng = np.random.default_rng(1)
    for part, number in (("train", 12), ("val", 4), ("test", 4)):
        for name in range(1, number + 1):
            _save_pair(rng, folder / "facades" / part / f"{name}.jpg", FACADES, (80, 112))


def write_cityscapes_pairs(folder: Path) -> None:
    """cityscapes_data/{train,val}/N.jpg: photo left, the official colours right, both JPEG."""
    rng = np.random.default_rng(2)
    for part, number in (("train", 16), ("val", 4)):
        for name in range(1, number + 1):
            _save_pair(rng, folder / "cityscapes_data" / part / f"{name}.jpg", CITYSCAPES, (96, 144))


def write_dubai_aerial(folder: Path) -> None:
    """Tile N/images/image_part_00M.jpg and Tile N/masks/image_part_00M.png: colours, some masks with a palette."""
    rng = np.random.default_rng(3)
    top = folder / "Semantic segmentation dataset"
    for tile in range(1, 9):
        for part in range(1, 4):
            ids = draw_patches(rng, list(range(6)), (140, 200))
            save(top / f"Tile {tile}/images/image_part_{part:03}.jpg", photograph(rng, ids), quality=92)
            save_mask = save_palette if part == 3 else save
            save_mask(top / f"Tile {tile}/masks/image_part_{part:03}.png", _paint(ids, DUBAI))
    (top / "classes.json").write_text('{"title": "Semantic segmentation dataset", "classes": []}')


def write_stones(folder: Path) -> None:
    """Image01.JPG and its mask Image01_label.jpg: white on black with the noise of JPEG."""
    rng = np.random.default_rng(4)
    size = (288, 416)
    for number in range(1, 21):
        ids = fill_boxes(draw_boxes(rng, 7, size), [1] * 7, size)
        save(folder / f"Image{number:02}.JPG", photograph(rng, ids), quality=92)
        save(folder / f"Image{number:02}_label.jpg", ids * np.uint8(255), quality=75)


def _save_pair(rng: np.random.Generator, path: Path, colours: tuple, size: Size) -> None:
    ids = draw_patches(rng, list(range(len(colours))), size)
    save(path, np.hstack([photograph(rng, ids), _paint(ids, colours)]), quality=95)


def _paint(ids: NDArray[np.uint8], colours: tuple) -> NDArray[np.uint8]:
    return np.array(colours, np.uint8)[ids]
