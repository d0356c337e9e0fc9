"""The contact sheet shows what training gets: the copies on disk, or what the first epochs will make of a picture."""

import itertools

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskmill.data.batches import num_batches, training_batches
from maskmill.data.contact_sheet import (
    CELL,
    COLUMNS,
    LINES,
    draw_contact_sheet,
    show_copies,
    show_epochs,
    show_originals,
    show_training,
)
from maskmill.data.packing import pack_arrays
from maskmill.labels.classes import build_class_table
from maskmill.parallel import Workers

CLASSES = build_class_table(
    [
        {"name": "grass", "id": 0, "colours": [[20, 140, 30]]},
        {"name": "road", "id": 1, "colours": [[200, 120, 40]]},
        {"name": "sea", "id": 2, "colours": [[10, 60, 220]]},
    ]
)
MOVES = [{"name": "HorizontalFlip", "p": 0.5}, {"name": "Rotate", "limit": [-30, 30], "p": 0.8}]


@pytest.fixture
def pack(write_encoded, tmp_path):
    def run(number, *, channels=3, dtype=np.uint8, **settings):
        generator = np.random.default_rng(0)
        samples = {}
        for place in range(number + 1):
            picture = generator.integers(0, 256, (20, 30, channels), np.uint8)
            label_mask = np.full((20, 30), 1, dtype)
            label_mask[:10] = 0
            samples[f"s{place:02}"] = ("train" if place < number else "val", picture, label_mask)
        folder = write_encoded(samples)
        fixed = {"policy": "fit", "image_size": (20, 30), "factor": 1.0, "copies": 0, "total": None}
        fixed |= {"transforms": MOVES, "seed": 3, "workers": Workers(jobs=1)}
        pack_arrays(pd.read_csv(folder / "samples.csv"), folder, tmp_path / "arrays", **{**fixed, **settings})
        return tmp_path / "arrays"

    return run


def captions(lines):
    return [[cell.caption for cell in line] for line in lines]


def test_originals_are_spread_evenly(pack):
    assert captions(show_originals(pack(21))) == [["s00", "s05", "s10", "s15", "s20"]]


def test_copies_are_those_on_disk_and_belong_to_their_original(pack):
    arrays = pack(11, copies=6)
    lines = show_copies(arrays)
    assert captions(lines) == [[name, "copy 1", "copy 2", "copy 3", "copy 4"] for name in ("s00", "s02", "s05", "s08", "s10")]
    images, masks = (np.load(arrays / "train" / name) for name in ("images.npy", "masks.npy"))
    for line, number in zip(lines, (0, 2, 5, 8, 10), strict=True):
        for copy, cell in enumerate(line):
            np.testing.assert_array_equal(cell.picture, images[7 * number + copy])
            np.testing.assert_array_equal(cell.label_mask, masks[7 * number + copy])


def test_pictures_with_fewer_copies_have_shorter_lines(pack):
    assert captions(show_copies(pack(2, total=5))) == [["s00", "copy 1"], ["s01", "copy 1", "copy 2"]]


def test_epochs_are_what_training_will_see(pack):
    arrays = pack(7)
    epochs = [training_batches(arrays, batch_size=1, transforms=MOVES, seed=9, first_epoch=epoch) for epoch in range(COLUMNS - 1)]
    lines = show_epochs(arrays, transforms=MOVES, seed=9)
    assert captions(lines)[0] == ["s00", "epoch 1", "epoch 2", "epoch 3", "epoch 4"]
    assert len(lines) == LINES
    for epoch, stream in enumerate(epochs, start=1):
        seen = {(i.tobytes(), m.tobytes()) for i, m in itertools.islice(stream, num_batches(arrays, "train", 1))}
        shown = {(line[epoch].picture.tobytes(), line[epoch].label_mask.tobytes()) for line in lines}
        assert shown <= seen


def test_what_is_shown_follows_from_the_arrays_and_the_list(pack, tmp_path):
    arrays = pack(2, total=3)
    note, lines = show_training(arrays, transforms=(), seed=0)
    assert (note, captions(lines)) == ("training pictures and their copies on disk", [["s00"], ["s01", "copy 1"]])
    rows = pd.read_csv(arrays / "train" / "samples.csv")
    rows[:2].to_csv(arrays / "train" / "samples.csv", index=False)
    note, lines = show_training(arrays, transforms=MOVES, seed=0)
    assert (note, captions(lines)[1][:2]) == ("training pictures, and as the first epochs show them", ["s01", "epoch 1"])
    note, lines = show_training(arrays, transforms=(), seed=0)
    assert (note, captions(lines)) == ("training pictures, which stay as they are", [["s00", "s01"]])


def test_a_tile_is_named_by_its_corner(pack):
    lines = show_originals(pack(1, policy="native", image_size=(16, 16)))
    assert captions(lines) == [["s00", "s00 at 0, 14", "s00 at 4, 0", "s00 at 4, 14"]]


def find_colour(drawing, colour):
    return (drawing == np.array(colour, np.uint8)).all(axis=-1)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_pictures_stand_above_their_masks_and_the_legend_names_what_occurs(pack, tmp_path, channels):
    arrays = pack(
        4, channels=channels, copies=2, transforms=[{"name": "Affine", "translate_percent": {"x": [0.4, 0.4], "y": 0}, "p": 1}]
    )
    draw_contact_sheet(show_copies(arrays), tmp_path / "sheet.png", heading="mine", note="copies", classes=CLASSES)
    with Image.open(tmp_path / "sheet.png") as picture:
        drawing = np.asarray(picture.convert("RGB"))
    assert 5 * CELL < drawing.shape[1] < 1400
    grass, road, sea = (find_colour(drawing, colour) for colour in CLASSES.shown)
    tall = CELL * 20 // 30
    shown = CELL * tall // 2 * 4 * (1 + 2 * 0.6)  # four lines; six tenths of a copy are not void
    assert grass.sum() == pytest.approx(shown, rel=0.02)
    assert road.sum() == pytest.approx(shown, rel=0.02)
    assert not sea.any()
    rows = np.flatnonzero(grass[: drawing.shape[0] - 80].any(axis=1))
    assert len(rows) == 4 * tall // 2
    hatch = find_colour(drawing, (232,) * 3) | find_colour(drawing, (206,) * 3)
    assert hatch.sum() > CELL * tall * 8 * 0.35


def test_overlapping_classes_and_one_line_of_originals(pack, tmp_path):
    arrays = pack(2, dtype=np.uint16)  # bit 0 alone, and no class
    draw_contact_sheet(show_originals(arrays), tmp_path / "sheet.png", heading="none", note="as they are", classes=CLASSES)
    with Image.open(tmp_path / "sheet.png") as picture:
        drawing = np.asarray(picture.convert("RGB"))
    found = [bool(find_colour(drawing, colour).any()) for colour in CLASSES.shown]
    assert found == [True, False, False]
    assert drawing.shape[0] < 2 * CELL + 250


def test_a_long_name_keeps_its_end(pack, tmp_path):
    lines = show_originals(pack(1))
    before = tmp_path / "short.png", tmp_path / "long.png"
    draw_contact_sheet(lines, before[0], heading="a", note="b", classes=CLASSES)
    long = [[type(cell)("x" * 500 + cell.caption, cell.picture, cell.label_mask) for cell in lines[0]]]
    draw_contact_sheet(long, before[1], heading="a", note="b", classes=CLASSES)
    drawings = [np.asarray(Image.open(path).convert("RGB")) for path in before]
    assert drawings[0].shape == drawings[1].shape
    different = np.flatnonzero((drawings[0] != drawings[1]).any(axis=(0, 2)))
    assert different.max() < 28 + CELL  # nothing is written beyond its column
