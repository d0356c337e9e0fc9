"""Hand-computed scores of made-up predictions on a small trimap."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("blind_figures")


@pytest.fixture
def trimap() -> NDArray[np.uint8]:
    """Return 2 x 10 pixels: 10 of background, 6 of pet, 4 of border."""
    return np.array([[0, 0, 0, 0, 0, 255, 255, 1, 1, 1]] * 2, np.uint8)


def test_all_pet_by_the_published_micro_iou_and_by_ours(benchmark: ModuleType, trimap: NDArray[np.uint8]) -> None:
    # published: of the 10 pixels that are no background 6 are right; the unions of pet and border are 10 and 4
    # ours: 16 pixels without the border, 6 of them pet; the background has none right
    assert benchmark.score_all_pet([trimap, trimap]) == {"published_micro_iou": 0.429, "pet_iou": 0.375, "mean_iou": 0.188}


def test_all_background_is_right_where_there_is_no_pet(benchmark: ModuleType, trimap: NDArray[np.uint8]) -> None:
    assert benchmark.score_all_background([trimap]) == {"accuracy": 0.625, "pet_dice": 0.0}


def test_reducing_to_28_pixels_costs_nothing_there_and_much_at_full_size(benchmark: ModuleType) -> None:
    # a line of one pixel in 56 x 84: two rows, three columns become one, and the centre taken is the second of two, of three
    kept, lost = (np.zeros((56, 84), np.uint8) for _ in range(2))
    kept[:, 4] = lost[:, 3] = 1
    assert benchmark.score_reduced([kept])["dice_at_28"] == 1.0
    assert benchmark.score_reduced([kept])["dice"] == 0.5  # one of three columns: 2 * 1 / (1 + 3)
    assert benchmark.score_reduced([lost])["dice"] == 0.0


def test_trimaps_of_the_archive_are_read(benchmark: ModuleType, tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 1, 2, 255]], np.uint8)).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(benchmark.read_trimap(tmp_path / "mask.png"), [[0, 1, 1, 255]])
