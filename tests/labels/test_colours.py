import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskmill.errors import ParamsError
from maskmill.labels import decode_labels, encode_colours, match_colours


def squared_distances(colour_mask, colours):
    """The definition, in plain integers: (H, W, K)."""
    difference = colour_mask[:, :, np.newaxis, :].astype(np.int64) - np.asarray(colours, np.int64)
    return (difference**2).sum(axis=-1)


def palettes(most=255):
    return st.integers(1, most).flatmap(lambda count: arrays(np.uint8, (count, 3)))


# Small components make close and equal colours, and so ties, likely.
crowded_palettes = st.integers(1, 40).flatmap(lambda count: arrays(np.uint8, (count, 3), elements=st.integers(100, 103)))


def test_nearest_by_hand():
    colours = [[0, 0, 0], [255, 255, 255], [255, 0, 0]]
    mask = np.array([[[10, 20, 30], [250, 251, 252], [200, 10, 10]], [[255, 0, 0], [128, 128, 128], [127, 0, 0]]], np.uint8)
    # (127, 0, 0) is 127 from black and 128 from red; (128, 128, 128) is nearer to white
    np.testing.assert_array_equal(encode_colours(mask, colours), [[0, 1, 2], [2, 1, 0]])


def test_channels_keep_their_order():
    colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    mask = np.array([[[200, 9, 0], [9, 200, 0], [0, 9, 200]]], np.uint8)
    np.testing.assert_array_equal(encode_colours(mask, colours), [[0, 1, 2]])


def test_ties_go_to_the_lowest_index():
    mask = np.array([[[5, 0, 0]]], np.uint8)
    assert encode_colours(mask, [[10, 0, 0], [0, 0, 0]]) == 0
    assert encode_colours(mask, [[0, 0, 0], [10, 0, 0]]) == 0
    assert encode_colours(mask, [[9, 9, 9], [5, 5, 0], [5, 0, 5], [5, 0, 5]]) == 1


@settings(max_examples=15)
@given(palettes(), st.integers(0, 2**32 - 1))
def test_encode_is_the_brute_force_nearest(colours, seed):
    mask = np.random.default_rng(seed).integers(0, 256, (11, 13, 3), dtype=np.uint8)
    np.testing.assert_array_equal(encode_colours(mask, colours), squared_distances(mask, colours).argmin(axis=-1))


@settings(max_examples=20)
@given(crowded_palettes, st.integers(0, 2**32 - 1))
def test_encode_is_the_brute_force_nearest_among_close_colours(colours, seed):
    mask = np.random.default_rng(seed).integers(95, 109, (11, 13, 3), dtype=np.uint8)
    np.testing.assert_array_equal(encode_colours(mask, colours), squared_distances(mask, colours).argmin(axis=-1))


@settings(max_examples=15)
@given(palettes(most=30), st.floats(0, 450), st.integers(0, 2**32 - 1))
def test_match_is_the_brute_force_distance(colours, tolerance, seed):
    generator = np.random.default_rng(seed)
    mask = generator.integers(0, 256, (19, 17, 3), dtype=np.uint8)
    mask[::2] = colours[generator.integers(0, len(colours), (10, 17))]
    distances = squared_distances(mask, colours)
    nearest = distances.min(axis=-1)
    expected = np.where(nearest == 0, 0, np.where(nearest <= tolerance**2, 1, 2))
    indices, matches = match_colours(mask, colours, tolerance)
    np.testing.assert_array_equal(indices, distances.argmin(axis=-1))
    np.testing.assert_array_equal(matches, expected)


def test_match_by_hand():
    mask = np.array([[[100, 100, 100], [103, 104, 100], [103, 104, 101], [0, 0, 0]]], np.uint8)
    for tolerance, expected in (
        (5.0, [0, 1, 2, 2]),
        (np.nextafter(5.0, 0.0), [0, 2, 2, 2]),
        (0.0, [0, 2, 2, 2]),
        (1e300, [0, 1, 1, 1]),
    ):
        indices, matches = match_colours(mask, [[100, 100, 100]], tolerance)  # (3, 4, 0) is 5 away, and counts
        np.testing.assert_array_equal(matches, [expected])
        np.testing.assert_array_equal(indices, [[0, 0, 0, 0]])


def test_matches_of_many_rows_and_of_none():
    generator = np.random.default_rng(0)
    mask = np.repeat(generator.integers(90, 110, (700, 1, 3), np.uint8), 311, axis=1)[:, ::3]  # more than one block; not contiguous
    squared = squared_distances(mask[:, :1], np.array([[100, 100, 100]])).min(axis=-1)
    expected = np.where(squared == 0, 0, np.where(squared <= 100, 1, 2))
    np.testing.assert_array_equal(match_colours(mask, [[100, 100, 100]], 10.0)[1], expected.repeat(mask.shape[1], axis=1))
    assert [part.shape for part in match_colours(mask[:, :0], [[100, 100, 100]], 10.0)] == [(700, 0)] * 2


@settings(max_examples=20)
@given(st.data())
def test_round_trip_of_palette_colours(data):
    colours = data.draw(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=60, unique=True))
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    labels = data.draw(arrays(np.uint8, shape, elements=st.integers(0, len(colours) - 1)))
    painted = decode_labels(labels, colours)
    np.testing.assert_array_equal(painted, np.array(colours, np.uint8)[labels])
    np.testing.assert_array_equal(encode_colours(painted, colours), labels)


def test_a_mask_of_many_chunks_and_one_that_is_a_view():
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 256, (7, 3), dtype=np.uint8)
    wide = generator.integers(0, 256, (3, 70_001, 3), dtype=np.uint8)  # chunks end inside rows
    expected = encode_colours(wide[:, :1001], colours)
    np.testing.assert_array_equal(expected, squared_distances(wide[:, :1001], colours).argmin(axis=-1))
    np.testing.assert_array_equal(encode_colours(wide, colours)[:, :1001], expected)
    mirrored = wide[::-1, 1000::-1]
    np.testing.assert_array_equal(encode_colours(mirrored, colours), expected[::-1, ::-1])
    wide.setflags(write=False)
    np.testing.assert_array_equal(encode_colours(wide, colours)[:, :1001], expected)


def test_all_255_colours_are_used():
    colours = np.stack([np.arange(255), np.arange(255)[::-1], np.full(255, 7)], axis=1)
    np.testing.assert_array_equal(encode_colours(colours[np.newaxis].astype(np.uint8), colours)[0], np.arange(255))


def test_decode_paints_void_white_or_as_given():
    labels = np.array([[0, 255]], np.uint8)
    np.testing.assert_array_equal(decode_labels(labels, [[1, 2, 3]]), [[[1, 2, 3], [255, 255, 255]]])
    palette = np.zeros((256, 3), np.uint8)
    palette[255] = (9, 8, 7)
    np.testing.assert_array_equal(decode_labels(labels, palette), [[[0, 0, 0], [9, 8, 7]]])


def test_decode_refuses_an_id_without_a_colour():
    with pytest.raises(ValueError, match="holds id 2, the colours are of ids 0 to 1"):
        decode_labels(np.array([[0, 2, 255]], np.uint8), [[0, 0, 0], [1, 1, 1]])


@pytest.mark.parametrize("mask", [np.zeros((4, 5, 3), np.int64), np.zeros((4, 5), np.uint8), np.zeros((4, 5, 4), np.uint8)])
def test_encode_refuses_what_is_no_colour_mask(mask):
    with pytest.raises(ValueError, match=r"uint8 \(H, W, 3\)"):
        encode_colours(mask, [[0, 0, 0]])


def test_decode_refuses_what_is_no_label_mask():
    with pytest.raises(ValueError, match=r"uint8 \(H, W\)"):
        decode_labels(np.zeros((4, 5, 3), np.uint8), [[0, 0, 0]])


@pytest.mark.parametrize(
    ("colours", "message"),
    [
        ([], "1 to 255 triples"),
        (np.zeros((256, 3), np.uint8), "1 to 255 triples"),
        ([[0, 0]], "1 to 255 triples"),
        ([[0, 0, 0], [0, 0]], "1 to 255 triples"),
        ([[0, 0, 0], [0, 256, 0]], r"\[0, 256, 0\] is not a colour"),
        ([[-1, 0, 0]], r"\[-1, 0, 0\] is not a colour"),
        ([[0.5, 0, 0]], r"\[0.5, 0.0, 0.0\] is not a colour"),
    ],
)
def test_encode_refuses_unfit_palettes(colours, message):
    with pytest.raises(ParamsError, match=message):
        encode_colours(np.zeros((1, 1, 3), np.uint8), colours)


@pytest.mark.parametrize("tolerance", [-1.0, float("nan")])
def test_match_refuses_unfit_tolerances(tolerance):
    with pytest.raises(ParamsError, match="tolerance"):
        match_colours(np.zeros((1, 1, 3), np.uint8), [[0, 0, 0]], tolerance)


def test_every_colour_there_is():
    """All 2**24 colours, against the definition one palette colour at a time."""
    colours = np.random.default_rng(12).integers(0, 256, (12, 3))
    values = np.arange(2**24, dtype=np.uint32).reshape(4096, 4096)
    cube = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1).astype(np.uint8)
    labels = encode_colours(cube, colours)
    squares = ((np.arange(256)[:, np.newaxis] - np.arange(256)) ** 2).astype(np.int32)  # by value and palette value
    nearest = np.full((256, 256, 256), 3 * 256**2, np.int32)
    expected = np.zeros((256, 256, 256), np.uint8)
    for index, (red, green, blue) in enumerate(colours):
        distance = squares[:, red, None, None] + squares[:, green, None] + squares[:, blue]
        np.copyto(expected, index, where=distance < nearest)
        np.minimum(nearest, distance, out=nearest)
    np.testing.assert_array_equal(labels.reshape(256, 256, 256), expected)
