"""The synthetic sample: the same seed, the same bytes; all classes; masks that JPEG has blurred but not broken."""

import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from maskmill.errors import SourceError
from maskmill.sources.synthetic.camera import label_majority, photograph
from maskmill.sources.synthetic.canvas import BUILDING, FIELD, ROAD, WOODS, Canvas, distance_to, empty_canvas, fractal_noise, linear
from maskmill.sources.synthetic.flights import SEASONS, Flight, build_flight
from maskmill.sources.synthetic.sample import CLASS_COLOURS, encode_composite, write_sample
from maskmill.sources.synthetic.scenes import CLASS_NAMES, generate_scene
from maskmill.sources.synthetic.woods import plant_forest

COLOURS = np.array(CLASS_COLOURS, np.uint8)
PRESET = Path(__file__).parents[2] / "presets" / "default.yaml"


def flight_of(number: int) -> Flight:
    return build_flight(np.random.default_rng([0, number]), SEASONS[number % len(SEASONS)])


def nearest_colour(colour_mask: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The slow and obvious decoding, as an oracle."""
    differences = colour_mask[:, :, np.newaxis].astype(int) - COLOURS.astype(int)
    return (differences**2).sum(axis=-1).argmin(axis=-1)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    return [generate_scene(np.random.default_rng([0, number, 0]), flight_of(number)) for number in range(8)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    write_sample(folder, scenes=7, flights=3, seed=5)
    return folder


def test_scene_has_the_promised_form(scenes: list) -> None:
    for photo, label_mask in scenes:
        assert photo.shape == (256, 256, 3)
        assert label_mask.shape == (256, 256)
        assert photo.dtype == label_mask.dtype == np.uint8
        assert label_mask.max() < len(CLASS_NAMES)


def test_every_class_is_common_enough(scenes: list) -> None:
    counts = sum(np.bincount(label_mask.ravel(), minlength=5) for _, label_mask in scenes)
    assert (counts / counts.sum() > 0.02).all()


def test_classes_overlap_in_colour(scenes: list) -> None:
    # Colour alone must not give the classes away, even with each class's mean colour told from the truth.
    photo = np.concatenate([photo.reshape(-1, 3) for photo, _ in scenes]).astype(float)
    truth = np.concatenate([label_mask.ravel() for _, label_mask in scenes])
    means = np.stack([photo[truth == label].mean(axis=0) for label in range(5)])
    guess = np.stack([((photo - mean) ** 2).sum(axis=1) for mean in means]).argmin(axis=0)
    dice = [2 * ((guess == k) & (truth == k)).sum() / ((guess == k).sum() + (truth == k).sum()) for k in range(5)]
    assert 0.2 < np.mean(dice) < 0.7


def test_flights_differ_in_mean_colour_more_than_scenes_of_one_flight() -> None:
    means = np.array(
        [
            [
                generate_scene(np.random.default_rng([0, number, scene]), flight_of(number))[0].mean(axis=(0, 1))
                for scene in range(3)
            ]
            for number in range(4)
        ]
    )
    within = means.std(axis=1).mean()
    between = means.mean(axis=1).std(axis=0).mean()
    assert between > within
    assert between > 3.0


def test_seed_decides_the_scene() -> None:
    first, again, other = (generate_scene(np.random.default_rng(seed), flight_of(1)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).mean() > 0.5


def test_mask_half_decodes_almost_everywhere_but_not_exactly(scenes: list) -> None:
    for photo, label_mask in scenes:
        composite = np.asarray(Image.open(io.BytesIO(encode_composite(photo, COLOURS[label_mask]))))
        right = (nearest_colour(composite[:, 256:]) == label_mask).mean()
        assert 0.97 < right < 1.0
        photo_error = np.abs(composite[:, :256].astype(int) - photo).mean()
        assert photo_error < 10  # the photo is on the left


def test_sample_is_byte_identical_for_a_seed(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again", scenes=7, flights=3, seed=5)
    write_sample(tmp_path / "other", scenes=7, flights=3, seed=6)
    names = sorted(path.name for path in sample.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((sample / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)
    assert not any((sample / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in names)


def test_more_scenes_keep_the_first_ones(sample: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "few", scenes=3, flights=3, seed=5)
    for path in (tmp_path / "few").glob("*.jpg"):
        assert path.read_bytes() == (sample / path.name).read_bytes()


def test_sample_folder(sample: Path) -> None:
    pictures = sorted(path.name for path in sample.glob("*.jpg"))
    assert pictures == ["flight01_01.jpg", "flight01_02.jpg", "flight01_03.jpg"] + [
        f"flight{flight:02d}_{scene:02d}.jpg" for flight in (2, 3) for scene in (1, 2)
    ]
    assert "synthetic sample" in (sample / "README.md").read_text(encoding="utf-8").lower()
    for name in pictures:
        with Image.open(sample / name) as picture:
            assert picture.size == (512, 256)
            assert picture.info["comment"] == b"synthetic sample"
        assert (sample / name).stat().st_size < 5e6 / 150 * 1.4  # one may be larger than the mean
    assert sum((sample / name).stat().st_size for name in pictures) / len(pictures) < 5e6 / 150


def test_write_sample_counts_the_masks_pixels(tmp_path: Path) -> None:
    counts = write_sample(tmp_path / "data", scenes=1, flights=1, seed=0)
    _, label_mask = generate_scene(np.random.default_rng([0, 0, 0]), flight_of(0))
    np.testing.assert_array_equal(counts, np.bincount(label_mask.ravel(), minlength=5))


def test_command_writes_the_sample_and_prints_shares(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "maskmill.sources.synthetic",
        str(tmp_path / "data"),
        "--scenes",
        "2",
        "--flights",
        "2",
        "--seed",
        "1",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(list((tmp_path / "data").glob("*.jpg"))) == 2
    shares = [float(share) for share in re.findall(r"([\d.]+)%$", result.stdout, re.MULTILINE)]
    assert sum(shares) == pytest.approx(100, abs=0.3)


@pytest.mark.parametrize(("scenes", "flights", "seed"), [(2, 3, 0), (0, 0, 0), (200, 100, 0), (3, 1, -1)])
def test_impossible_requests_are_refused_and_leave_nothing(tmp_path: Path, scenes: int, flights: int, seed: int) -> None:
    with pytest.raises(SourceError, match="expected"):
        write_sample(tmp_path / "data", scenes=scenes, flights=flights, seed=seed)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(SourceError, match=r"holiday\.jpg"):
        write_sample(tmp_path, scenes=1, flights=1, seed=0)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"precious"


def test_preset_names_the_samples_colours() -> None:
    text = PRESET.read_text(encoding="utf-8")
    named = re.findall(r"name: (\w+), colours: \[\[(\d+), (\d+), (\d+)\]\]", text)
    assert [name for name, *_ in named] == list(CLASS_NAMES)
    assert [tuple(int(value) for value in colour) for _, *colour in named] == list(CLASS_COLOURS)
    assert 'images: "{flight}_{scene}.jpg"' in text


def grey_ground(flight: Flight) -> Canvas:
    canvas = empty_canvas(flight.ground_sampling)
    canvas.albedo[:] = linear((140, 140, 140))
    return canvas


def test_shadow_falls_in_the_flights_direction() -> None:
    flight = flight_of(0)
    canvas = grey_ground(flight)
    block = np.zeros(canvas.labels.shape, bool)
    block[236:276, 236:276] = True
    canvas.cover(block, linear((140, 140, 140)), BUILDING, 8.0)
    photo = photograph(canvas, np.random.default_rng(0), flight).astype(float).mean(axis=2)
    step = np.array([np.sin(flight.sun_azimuth), np.cos(flight.sun_azimuth)]) * 19  # beyond the block's corner, rows and columns
    behind, before = ((np.array([128, 128]) + sign * step).astype(int) for sign in (1, -1))
    patch = [photo[row - 2 : row + 3, column - 2 : column + 3].mean() for row, column in (behind, before)]
    assert patch[0] < 0.75 * patch[1]


def test_forest_keeps_off_the_road_and_buildings_but_its_crowns_may_lean_over() -> None:
    flight = flight_of(1)
    canvas = grey_ground(flight)
    road, house = np.zeros((2, *canvas.labels.shape), bool)
    road[250:270], house[100:140, 100:140] = True, True
    canvas.cover(road, linear((120, 120, 120)), ROAD)
    canvas.cover(house, linear((160, 80, 60)), BUILDING, 5.0)
    plant_forest(canvas, np.random.default_rng(0), flight, share=0.9)
    assert (canvas.labels[house] == BUILDING).all()
    assert 0.0 < (canvas.labels[road] == WOODS).mean() < 0.6
    assert (canvas.labels == WOODS).mean() > 0.6


def test_truth_is_the_class_on_most_of_a_pixel() -> None:
    canvas = empty_canvas(0.5)
    canvas.labels[:, 256:] = BUILDING
    canvas.labels[100, 100] = ROAD  # a quarter of a pixel of the photo
    label_mask = label_majority(canvas, 5)
    assert (label_mask[:, :128] == FIELD).all()
    assert (label_mask[:, 128:] == BUILDING).all()


@pytest.mark.parametrize("cell", [1.0, 2.5, 40.0, 420.0])
def test_noise_is_normalised_and_as_smooth_as_its_cell(cell: float) -> None:
    noise = fractal_noise(np.random.default_rng(0), cell, 2, (120, 200))
    assert noise.shape == (120, 200)
    assert noise.mean() == pytest.approx(0, abs=1e-3)
    assert noise.std() == pytest.approx(1, abs=1e-2)
    assert np.abs(np.diff(noise, axis=1)).mean() < 8 / cell


def test_distance_to_nothing_is_far() -> None:
    nothing = np.zeros((4, 6), bool)
    assert (distance_to(nothing) > 1000).all()
    nothing[0, 0] = True
    assert distance_to(nothing)[0, 3] == pytest.approx(3)
