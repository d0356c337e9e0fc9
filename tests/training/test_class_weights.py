"""Weights by class name to weights by id."""

import pytest

from maskmill.errors import ParamsError
from maskmill.training.class_weights import list_class_weights

NAMES = ("field", "road", "water")


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
