import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskmill.data.thumbnails import SIDE, make_thumbnail


def test_areas_and_bands_are_averaged():
    picture = np.zeros((2 * SIDE, 4 * SIDE, 3), np.uint8)
    picture[:2, :4] = [[(30, 60, 90)] * 2 + [(90, 120, 150)] * 2] * 2  # mean of the bands: 60 and 120
    picture[2:4, 4:8, 1] = 30  # only green: a third of it
    expected = np.zeros((SIDE, SIDE), np.uint8)
    expected[0, 0] = 90
    expected[1, 1] = 10
    thumbnail = make_thumbnail(picture)
    assert thumbnail.dtype == np.uint8
    np.testing.assert_array_equal(thumbnail, expected)


def test_pixels_that_lie_across_an_edge_count_by_their_share():
    picture = np.zeros((SIDE, SIDE * 3 // 2, 1), np.uint8)
    picture[:, 1] = 150  # half of it in the first column, half in the second: a third of each
    np.testing.assert_array_equal(make_thumbnail(picture)[0, :3], [50, 50, 0])


def test_small_pictures_are_enlarged_by_area_too():
    picture = np.array([[[0], [100]], [[200], [40]]], np.uint8)
    thumbnail = make_thumbnail(picture)
    half = SIDE // 2
    np.testing.assert_array_equal(thumbnail, picture[..., 0].repeat(half, axis=0).repeat(half, axis=1))


@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70), st.integers(1, 9)).flatmap(
        lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 255))
    )
)
def test_every_size_and_band_count_gives_grey_within_the_picture_s_range(picture):
    thumbnail = make_thumbnail(picture)
    assert thumbnail.shape == (SIDE, SIDE)
    greys = picture.mean(axis=2)
    assert np.floor(greys.min()) - 1 <= thumbnail.min() <= thumbnail.max() <= np.ceil(greys.max()) + 1


@given(st.integers(33, 90), st.integers(33, 90), st.integers(0, 255))
def test_a_plain_picture_stays_plain(height, width, grey):
    np.testing.assert_array_equal(make_thumbnail(np.full((height, width, 3), grey, np.uint8)), grey)
