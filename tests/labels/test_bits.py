"""Bit masks against masks made by hand, and there and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from maskmill.labels.bits import name_labels, pack_bits, unpack_bits
from maskmill.labels.classes import VOID_BIT


def test_bits_by_hand():
    bits = np.array([[0, 1, 2], [3, 0x4000, VOID_BIT | 1]], np.uint16)
    first = [[False, True, False], [True, False, True]]
    second = [[False, False, True], [True, False, False]]
    planes = unpack_bits(bits, 15)
    assert planes.shape == (2, 3, 15)
    assert planes[..., 0].tolist() == first
    assert planes[..., 1].tolist() == second
    assert planes[..., 14].tolist() == [[False] * 3, [False, True, False]]
    assert not planes[..., 2:14].any()
    np.testing.assert_array_equal(pack_bits(planes, void=bits >= VOID_BIT), bits)
    assert pack_bits(planes)[1, 2] == 1


@given(st.data(), st.integers(1, 15), array_shapes(max_dims=3, max_side=4))
def test_there_and_back(data, num_classes, shape):
    planes = data.draw(arrays(np.bool_, (*shape, num_classes)))
    void = data.draw(arrays(np.bool_, shape))
    bits = pack_bits(planes, void)
    assert bits.dtype == np.uint16
    np.testing.assert_array_equal(unpack_bits(bits, num_classes), planes)
    np.testing.assert_array_equal(bits & VOID_BIT != 0, void)


def test_more_classes_than_bits_are_refused():
    with pytest.raises(ValueError, match="16 classes"):
        pack_bits(np.zeros((2, 3, 16), np.bool_))


def test_the_type_tells_what_a_mask_holds():
    assert name_labels(np.uint8) == "exclusive"
    assert name_labels(np.dtype(np.uint16)) == "overlapping"
