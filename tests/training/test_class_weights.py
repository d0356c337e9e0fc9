"""Weights of classes: by name, listed, and from how often the classes occur."""

from pathlib import Path

import pytest

from maskmill.errors import DataError, ParamsError
from maskmill.training.class_weights import find_class_weights, list_class_weights

NAMES = ("field", "road", "water")
NOWHERE = Path("no statistics are read for these")

# 200 pixels of training with field, 100 with road, 200 with water; the test picture's do not count
STATISTICS = """\
id,split,mask_height,mask_width,void,pixels_field,pixels_road,pixels_water
a,train,10,10,0.0,60,0,40
b,train,5,40,0.5,20,70,10
c,train,10,5,1.0,0,0,0
d,test,10,10,0.0,0,100,0
"""


@pytest.fixture
def statistics(tmp_path: Path) -> Path:
    path = tmp_path / "statistics.csv"
    path.write_text(STATISTICS)
    return path


def test_median_frequency_counts_the_training_pictures_in_which_a_class_is(statistics: Path):
    frequencies = 80 / 200, 70 / 100, 50 / 200  # the median is field's
    expected = [0.4 / frequency for frequency in frequencies]
    assert find_class_weights("median_frequency", NAMES, statistics) == pytest.approx(expected)


def test_median_frequency_goes_by_the_order_of_ids(statistics: Path):
    assert find_class_weights("median_frequency", ("water", "field", "road"), statistics) == pytest.approx([1.6, 1.0, 0.4 / 0.7])


def test_median_frequency_of_classes_that_overlap_counts_each(statistics: Path):
    statistics.write_text(
        "split,mask_height,mask_width,void,pixels_field,pixels_road\ntrain,10,10,0.2,80,20\ntrain,10,10,0.0,40,0\n"
    )
    frequencies = 120 / 180, 20 / 80  # the median lies between the two
    expected = [(120 / 180 + 20 / 80) / 2 / frequency for frequency in frequencies]
    assert find_class_weights("median_frequency", ("field", "road"), statistics) == pytest.approx(expected)


def test_a_class_without_training_pixels_has_no_frequency(statistics: Path):
    statistics.write_text(STATISTICS.replace("20,70,10", "90,0,10"))
    with pytest.raises(ParamsError, match="no training picture has a pixel of road") as caught:
        find_class_weights("median_frequency", NAMES, statistics)
    assert "split.stratify" in str(caught.value)


def test_statistics_of_other_classes_are_refused(statistics: Path, tmp_path: Path):
    with pytest.raises(DataError, match="does not tell the pixels of each class"):
        find_class_weights("median_frequency", (*NAMES, "tree"), statistics)
    with pytest.raises(DataError, match=r"absent\.csv does not tell"):
        find_class_weights("median_frequency", NAMES, tmp_path / "absent.csv")


def test_settings_of_all_kinds_become_a_weight_a_class():
    assert find_class_weights({}, NAMES, NOWHERE) is None
    assert find_class_weights({"water": 4}, NAMES, NOWHERE) == [1.0, 1.0, 4.0]
    assert find_class_weights((0.5, 2, 0), NAMES, NOWHERE) == [0.5, 2.0, 0.0]


def test_a_list_of_another_length_is_refused():
    with pytest.raises(ParamsError, match="lists 2 weights, and there are 3 classes") as caught:
        find_class_weights([1.0, 2.0], NAMES, NOWHERE)
    assert "field, road, water, in this order" in str(caught.value)


def test_a_list_of_nothing_but_zero_is_refused():
    with pytest.raises(ParamsError, match="every class has the weight 0"):
        find_class_weights([0.0, 0.0, 0.0], NAMES, NOWHERE)


def test_classes_that_are_not_named_have_weight_one():
    assert list_class_weights({"water": 4, "field": 0.5}, NAMES) == [0.5, 1.0, 4.0]
    assert list_class_weights({}, NAMES) is None


def test_a_name_that_is_no_class_is_refused_with_the_nearest():
    with pytest.raises(ParamsError, match="names 'raod', which is no class; did you mean road\\?") as caught:
        list_class_weights({"raod": 2.0}, NAMES)
    assert "any of field, road, water" in str(caught.value)


def test_weights_of_nothing_but_zero_are_refused():
    with pytest.raises(ParamsError, match="every class has the weight 0"):
        list_class_weights(dict.fromkeys(NAMES, 0.0), NAMES)
