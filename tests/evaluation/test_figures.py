"""Pictures open, have their panels, and show in each panel what belongs there."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskmill.evaluation import panels
from maskmill.evaluation.charts import BLUE, GREY, draw_class_bars, draw_confusion
from maskmill.evaluation.curves import draw_curves
from maskmill.evaluation.figures import choose_samples
from maskmill.evaluation.panels import Sample, choose_bands, draw_samples, paint_errors, paint_mask
from maskmill.labels.classes import VOID_BIT

NAMES = ("field", "water")
PALETTE = np.full((256, 3), 255, np.uint8)
FOUND_MISSED = [[int(colour[n : n + 2], 16) for n in (1, 3, 5)] for colour in (BLUE, GREY)]
PALETTE[:2] = [[200, 180, 40], [10, 60, 200]]


def build_sample(height=30, width=60, channels=3, label="best"):
    truth = np.zeros((height, width), np.uint8)
    truth[:, width // 2 :] = 1
    truth[: height // 3] = 255
    prediction = np.zeros((height, width), np.uint8)
    picture = np.full((height, width, channels), 90, np.uint8)
    return Sample(label, f"{height}x{width}", picture, truth, prediction, 2)


def read(path):
    with Image.open(path) as picture:
        assert picture.mode in ("RGB", "RGBA")
        return np.asarray(picture.convert("RGB"))


def find_colour(drawing, colour):
    """Return (top, bottom, left, right) of the pixels of one colour."""
    rows, columns = np.nonzero((drawing == np.array(colour, np.uint8)).all(axis=-1))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


@pytest.mark.parametrize("channels", [1, 3])
def test_four_panels_stand_side_by_side(tmp_path, channels):
    draw_samples([build_sample(channels=channels)], NAMES, PALETTE, tmp_path / "one.png")
    drawing = read(tmp_path / "one.png")
    assert drawing.shape[1] == 2 * panels.MARGIN + 4 * panels.PANEL + 3 * panels.GAP
    row = panels.MARGIN + panels.HEADING + panels.TITLE + panels.PANEL // 2 - 20  # the panels are half as high as wide
    quarter, width = panels.PANEL // 4, panels.PANEL + panels.GAP
    seen = [tuple(drawing[row, panels.MARGIN + n * width + place]) for n in range(4) for place in (quarter, 3 * quarter)]
    field, water, dimmed = (200, 180, 40), (10, 60, 200), (140 + int(90 * 0.42),) * 3
    assert seen == [(90,) * 3, (90,) * 3, field, water, field, field, dimmed, tuple(panels.WRONG)]
    legend = drawing[row + 30 :]
    for colour in (field, water, panels.WRONG):
        assert find_colour(legend, colour)


def test_an_overview_has_a_row_a_sample_whatever_their_sizes(tmp_path):
    samples = [build_sample(30, 60), build_sample(50, 50, label="median"), build_sample(300, 60, label="worst")]
    draw_samples(samples, NAMES, PALETTE, tmp_path / "overview.png")
    heights = [panels.PANEL // 2, panels.PANEL, round(panels.PANEL * panels.TALLEST)]
    around = 3 * panels.HEADING + panels.TITLE + 2 * panels.MARGIN + panels.LEGEND
    assert read(tmp_path / "overview.png").shape[0] == sum(heights) + around


def test_void_is_hatched_and_never_wrong():
    sample = build_sample()
    void = sample.truth == 255
    errors = paint_errors(sample.picture, sample.truth, sample.prediction)
    np.testing.assert_array_equal((errors == panels.WRONG).all(axis=-1), (sample.truth == 1))
    for painted in (errors, paint_mask(sample.truth, PALETTE)):
        assert len(np.unique(painted[void], axis=0)) == 2


def build_overlapping_sample():
    """Left half field, lower half water over it; the first column void; the prediction is field alone, everywhere."""
    truth = np.zeros((30, 60), np.uint16)
    truth[:, :30] |= 0b01
    truth[15:] |= 0b10
    truth[:, 0] |= VOID_BIT
    return Sample("worst", "over", np.full((30, 60, 5), 90, np.uint8), truth, np.full((30, 60), 0b01, np.uint16), 2)


def test_later_classes_lie_over_earlier_ones():
    sample = build_overlapping_sample()
    painted = paint_mask(sample.truth, PALETTE)
    seen = [tuple(painted[place]) for place in ((5, 10), (5, 50), (20, 10), (20, 50))]
    assert seen == [(200, 180, 40), tuple(panels.NO_CLASS), (10, 60, 200), (10, 60, 200)]
    errors = paint_errors(choose_bands(sample.picture), sample.truth, sample.prediction)
    for image in (painted, errors):
        assert len(np.unique(image[:, 0], axis=0)) == 2  # void is hatched
    wrong = (errors == panels.WRONG).all(axis=-1)
    np.testing.assert_array_equal(wrong[:, 1:], (sample.truth != 0b01)[:, 1:])
    assert not wrong[:, 0].any()


def test_overlapping_classes_and_many_bands_are_drawn(tmp_path):
    draw_samples([build_overlapping_sample()], NAMES, PALETTE, tmp_path / "over.png")
    drawing = read(tmp_path / "over.png")
    top, quarter = panels.MARGIN + panels.HEADING + panels.TITLE, panels.PANEL // 4
    places = [
        (top + row, panels.MARGIN + panels.PANEL + panels.GAP + column) for row in (20, 180) for column in (quarter, 3 * quarter)
    ]
    assert [tuple(drawing[place]) for place in places] == [(200, 180, 40), (255, 255, 255), (10, 60, 200), (10, 60, 200)]


@pytest.mark.parametrize(("channels", "shown"), [(1, [0]), (2, [0]), (3, [0, 1, 2]), (4, [0, 1, 2]), (8, [0, 1, 2])])
def test_the_bands_that_are_shown(channels, shown):
    picture = np.arange(channels, dtype=np.uint8) * np.ones((2, 3, 1), np.uint8)
    assert choose_bands(picture)[1, 2].tolist() == shown


def test_a_sample_of_nothing_but_void_can_be_drawn(tmp_path):
    void = np.full((8, 8), 255, np.uint8)
    sample = Sample("worst", "void", np.zeros((8, 8, 3), np.uint8), void, np.zeros((8, 8), np.uint8), 2)
    draw_samples([sample], NAMES, PALETTE, tmp_path / "void.png")
    assert read(tmp_path / "void.png").shape[0] > panels.PANEL


def test_many_long_class_names_make_more_lines_of_legend(tmp_path):
    names = [f"a rather long class name {k}" for k in range(12)]
    mask = np.arange(144, dtype=np.uint8).reshape(12, 12) % 12
    sample = Sample("best", "many", np.zeros((12, 12, 3), np.uint8), mask, mask, 12)
    draw_samples([sample], names, PALETTE, tmp_path / "many.png")
    one_line = panels.HEADING + panels.TITLE + 2 * panels.MARGIN + panels.PANEL + panels.LEGEND
    assert (read(tmp_path / "many.png").shape[0] - one_line) // panels.LEGEND == 4


@pytest.mark.parametrize(
    ("dice", "count", "chosen"),
    [
        ([0.1, 0.9, 0.5, 0.3, 0.7, 0.8, 0.2, 0.6, 0.4], 3, {"best": "bfe", "median": "hci", "worst": "agd"}),
        ([0.1, 0.9, 0.5, 0.3, 0.7], 3, {"best": "b", "median": "c", "worst": "a"}),
        ([0.5, 0.5, 0.5, np.nan], 1, {"best": "a", "median": "b", "worst": "c"}),
        ([0.5], 3, {"best": "a", "median": "a", "worst": "a"}),
        ([np.nan, np.nan, np.nan], 2, {"best": "a", "median": "b", "worst": "c"}),
    ],
)
def test_best_median_and_worst(dice, count, chosen):
    table = pd.DataFrame({"id": list("abcdefghi")[: len(dice)], "dice": dice})
    assert {kind: "".join(ids) for kind, ids in choose_samples(table, count).items()} == chosen


def test_charts_open_with_absent_classes(tmp_path):
    matrix = np.array([[90, 10, 0], [0, 50, 0], [0, 0, 0]])
    names = ["field", "water", "a class with a long name"]
    for draw in (draw_confusion, draw_class_bars):
        draw(matrix, names, tmp_path / "chart.png", title="test part, 2 pictures")
        assert read(tmp_path / "chart.png").std() > 10
    draw_confusion(np.zeros((2, 2), np.int64), NAMES, tmp_path / "empty.png", title="nothing")
    draw_confusion(np.eye(30, dtype=np.int64), [f"class {k}" for k in range(30)], tmp_path / "large.png", title="many")
    assert read(tmp_path / "large.png").shape[0] > read(tmp_path / "empty.png").shape[0]


def test_charts_of_overlapping_classes_open(tmp_path):
    matrix = np.array([[[700, 50], [50, 200]], [[980, 0], [20, 0]], [[1000, 0], [0, 0]]])
    names = ["field", "water", "a class with a long name"]
    for draw in (draw_confusion, draw_class_bars):
        draw(matrix, names, tmp_path / "chart.png", title="test part, 2 pictures")
        assert read(tmp_path / "chart.png").std() > 10
    draw_confusion(matrix, names, tmp_path / "chart.png", title="")
    drawing = read(tmp_path / "chart.png")
    lengths = [(drawing == np.array(colour, np.uint8)).all(axis=-1).sum(axis=1).max() for colour in FOUND_MISSED]
    # in the longest row of each colour: two thirds of the width are found of field, all of it is missed of water
    assert lengths[0] == pytest.approx(lengths[1] * 2 / 3, rel=0.05)


@pytest.mark.parametrize("monitor", ["val_dice", "val_loss", "val_iou"])
@pytest.mark.parametrize("epochs", [1, 5])
def test_curves_open_and_are_the_same_twice(tmp_path, monitor, epochs):
    falling = np.linspace(1.0, 0.5, epochs)
    history = pd.DataFrame(
        {"epoch": range(1, epochs + 1), "loss": falling, "val_loss": falling, "val_dice": 1 - falling, "val_iou": np.nan}
    )
    for name in ("first.png", "second.png"):
        draw_curves(history, tmp_path / name, monitor=monitor)
    assert read(tmp_path / "first.png").std() > 10
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
