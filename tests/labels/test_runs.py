import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskmill.errors import DataError
from maskmill.labels import decode_runs, decode_stack, encode_runs, encode_stack

MASK = np.array([[0, 1, 1], [1, 1, 0]], bool)  # rows 011110, columns 011110 when read down: 0 1, 1 1, 1 0
CORNERS = np.array([[1, 0, 0], [1, 0, 1]], bool)

orders = st.sampled_from(["column", "row"])
masks = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12))


def count_pixels(text, size, order):
    """The slow and plain reading of a text."""
    mask = np.zeros(size, bool)
    values = [int(value) for value in text.split()]
    for start, length in zip(values[::2], values[1::2], strict=True):
        for pixel in range(start - 1, start - 1 + length):
            place = divmod(pixel, size[1]) if order == "row" else divmod(pixel, size[0])[::-1]
            mask[place] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "order", "text"),
    [
        (MASK, "row", "2 4"),
        (MASK, "column", "2 4"),
        (CORNERS, "row", "1 1 4 1 6 1"),
        (CORNERS, "column", "1 2 6 1"),
        (CORNERS.T, "row", "1 2 6 1"),
        (np.zeros((2, 3), bool), "row", ""),
        (np.ones((2, 3), bool), "column", "1 6"),
        (np.ones((1, 1), bool), "row", "1 1"),
    ],
)
def test_known_masks(mask, order, text):
    assert encode_runs(mask, order) == text
    decoded = decode_runs(text, mask.shape, order)
    assert decoded.dtype == np.bool_
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(decoded, mask)


@given(masks, orders)
def test_masks_come_back(mask, order):
    text = encode_runs(mask, order)
    np.testing.assert_array_equal(decode_runs(text, mask.shape, order), mask)
    np.testing.assert_array_equal(count_pixels(text, mask.shape, order), mask)


@given(masks, orders, st.randoms(use_true_random=False))
def test_unsorted_runs_are_the_same(mask, order, random):
    text = encode_runs(mask, order)
    runs = text.split()
    pairs = list(zip(runs[::2], runs[1::2], strict=True))
    random.shuffle(pairs)
    shuffled = decode_runs("  ".join(" ".join(pair) for pair in pairs), mask.shape, order)
    np.testing.assert_array_equal(shuffled, mask)
    assert encode_runs(shuffled, order) == text


@given(masks)
def test_columns_are_the_rows_of_the_turned_mask(mask):
    assert encode_runs(mask, "column") == encode_runs(np.ascontiguousarray(mask.T), "row")


@given(masks, orders)
def test_the_layout_in_memory_plays_no_part(mask, order):
    text = encode_runs(mask, order)
    assert encode_runs(np.asfortranarray(mask), order) == text
    assert encode_runs(np.repeat(mask, 2, axis=1)[::-1, ::2][::-1], order) == text
    assert encode_runs(np.stack([mask, ~mask], axis=-1)[..., 0], order) == text


@pytest.mark.parametrize("nothing", ["", " \n", "-1", " -1 ", None, float("nan"), np.nan])
def test_nothing_is_an_empty_mask(nothing):
    np.testing.assert_array_equal(decode_runs(nothing, (2, 3), "column"), np.zeros((2, 3), bool))


@pytest.mark.parametrize("text", ["2 4", " 2\t4\r\n", "02 04", "2 1 3 3", "5 1 2 3", "2 1 3 1 4 1 5 1"])
def test_spaces_zeros_and_touching_runs_are_right(text):
    np.testing.assert_array_equal(decode_runs(text, (2, 3), "row"), MASK)


def test_a_picture_of_more_pixels_than_eight_digits_count():
    size = (10_001, 10_000)
    mask = decode_runs("100000002 9998", size, "row")
    assert np.count_nonzero(mask) == 9998
    assert not mask[-1, 0]
    assert not mask[-1, -1]
    assert encode_runs(mask[-1:], "row") == "2 9998"


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("1 2 5", "3 values, an odd number", "cut off"),
        ("1 2.5", "'2.5' among the runs is no number", "correct the runs"),
        ("1,2", "'1,2' among the runs is no number", "correct the runs"),
        ("1 two", "'two' among", "correct the runs"),
        ("1 2 nan", "'nan' among", "correct the runs"),
        ("-3 2", "'-3' among", "correct the runs"),
        ("+3 2", r"'\+3' among", "correct the runs"),
        ("-1 -1", "'-1' among", "correct the runs"),
        ("1 0x2", "'0x2' among", "correct the runs"),
        ("1 \uff11", "'\uff11' among", "correct the runs"),  # a digit, of another script
        ("1\xa02", r"'1\\xa02' among", "correct the runs"),
        ("1 2\0", r"'2\\x00' among", "correct the runs"),
        ("1 \udc80", r"'\\udc80' among", "correct the runs"),
        ("5 1 0 2", "'0 2' starts before the first pixel", "count pixels from 1"),
        ("5 1 1 0", "'1 0' has no pixel", "leave it out"),
        ("1 1 4 4", "'4 4' goes beyond the last pixel, 6, of 2 x 3", "original size"),
        ("7 1", "'7 1' goes beyond", "original size"),
        ("1 7", "'1 7' goes beyond", "original size"),
        ("9223372036854775807 9223372036854775807", "'9223372036854775807 9223372036854775807' goes beyond", "original size"),
        ("1 99999999999999999999999", "'1 99999999999999999999999' goes beyond", "original size"),
        ("1 3 3 1", "'1 3' and '3 1' overlap at pixel 3", "a text each"),
        ("5 2 1 1 4 2", "'4 2' and '5 2' overlap at pixel 5", "a text each"),
        ("2 1 2 1", "'2 1' and '2 1' overlap at pixel 2", "a text each"),
        ("1 6 3 1", "'1 6' and '3 1' overlap at pixel 3", "a text each"),
        (12.0, "12.0, no text", "as text"),
        (-1, "-1, no text", "as text"),
    ],
)
@pytest.mark.parametrize("order", ["column", "row"])
def test_bad_runs_are_refused(text, what, fix, order):
    with pytest.raises(DataError, match=what) as caught:
        decode_runs(text, (2, 3), order)
    assert fix in caught.value.fix
    assert caught.value.expected


def test_a_long_text_is_not_repeated_in_full():
    with pytest.raises(DataError) as caught:
        decode_runs("1,2," * 1000, (2, 3), "row")
    assert len(str(caught.value)) < 300


@given(st.text(st.sampled_from("0123456789 -.\n"), max_size=12), orders)
def test_whatever_the_text_it_is_read_or_refused(text, order):
    try:
        mask = decode_runs(text, (3, 4), order)
    except DataError:
        return
    np.testing.assert_array_equal(mask, count_pixels("" if text.strip() == "-1" else text, (3, 4), order))


@pytest.mark.parametrize("mask", [np.zeros((2, 3), np.uint8), np.zeros(6, bool), np.zeros((0, 3), bool), np.zeros((1, 2, 3), bool)])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match="a mask is bool"):
        encode_runs(mask, "row")


def test_unknown_order_is_refused():
    with pytest.raises(ValueError, match="the order is 'rows'"):
        decode_runs("", (2, 3), "rows")
    with pytest.raises(ValueError, match="the order is 'rows'"):
        encode_runs(MASK, "rows")


def test_texts_of_a_label_are_united_and_labels_may_overlap():
    stack = decode_stack({"car": ["1 2", None, "2 3"], "road": ["1 6"], "tree": [], "sign": ["-1"]}, (2, 3), "row")
    assert stack.shape == (2, 3, 4)
    assert stack.dtype == np.bool_
    np.testing.assert_array_equal(stack[..., 0], [[1, 1, 1], [1, 0, 0]])
    assert stack[..., 1].all()
    assert not stack[..., 2:].any()
    assert encode_stack(stack, ["car", "road", "tree", "sign"], "row") == {"car": "1 4", "road": "1 6", "tree": "", "sign": ""}


@given(arrays.arrays(np.bool_, arrays.array_shapes(min_dims=3, max_dims=3, max_side=6)), orders)
def test_stacks_come_back(stack, order):
    labels = [f"class {number}" for number in range(stack.shape[2])]
    texts = encode_stack(stack, labels, order)
    decoded = decode_stack({label: [text] for label, text in texts.items()}, stack.shape[:2], order)
    np.testing.assert_array_equal(decoded, stack)
    assert encode_stack(decoded, labels, order) == texts


def test_no_labels_make_an_empty_stack():
    assert decode_stack({}, (2, 3), "row").shape == (2, 3, 0)
    assert encode_stack(np.zeros((2, 3, 0), bool), [], "row") == {}


def test_a_bad_text_of_a_stack_names_its_label():
    with pytest.raises(DataError, match="tree: the run '4 4' goes beyond") as caught:
        decode_stack({"car": ["1 2"], "tree": ["1 1", "4 4"]}, (2, 3), "row")
    assert "original size" in caught.value.fix


@pytest.mark.parametrize("labels", [["car"], ["car", "car"], ["car", "road", "tree"]])
def test_stack_and_labels_have_to_agree(labels):
    with pytest.raises(ValueError, match="different labels"):
        encode_stack(np.zeros((2, 3, 2), bool), labels, "row")
