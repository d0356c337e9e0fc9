import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from maskmill.errors import DataError
from maskmill.pictures import (
    encode_label_mask,
    encode_picture,
    is_kept_as_it_is,
    pad_picture,
    read_colours,
    read_ids,
    read_label_mask,
    read_picture,
    resize_label_mask,
    resize_picture,
    swaps_sides,
)

RGB = np.array([[[10, 20, 30], [40, 50, 60], [70, 80, 90]], [[11, 21, 31], [41, 51, 61], [71, 81, 91]]], np.uint8)
GREY = np.array([[0, 100, 255], [1, 2, 3]], np.uint8)
ORIENTATION = 0x0112


def save(picture: Image.Image, path: Path, **options) -> Path:
    picture.save(path, **options)
    return path


def save_turned(path: Path, orientation: int, array=RGB) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return save(Image.fromarray(array), path, exif=exif)


def write_png_header(path: Path, width: int, height: int) -> Path:
    """A PNG that declares a size and holds no pixels to speak of."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b""))
    return path


# Every mode


def test_rgb(tmp_path):
    picture = read_picture(save(Image.fromarray(RGB), tmp_path / "a.png"))
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, RGB)


def test_grey_has_one_channel(tmp_path):
    np.testing.assert_array_equal(read_picture(save(Image.fromarray(GREY), tmp_path / "a.png")), GREY[..., np.newaxis])


def test_black_and_white(tmp_path):
    path = save(Image.fromarray(np.array([[True, False, True]])), tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(path), [[[255], [0], [255]]])


def test_alpha_is_dropped_and_not_blended(tmp_path):
    alpha = np.array([[0, 128, 255], [255, 1, 2]], np.uint8)
    np.testing.assert_array_equal(read_picture(save(Image.fromarray(np.dstack([RGB, alpha])), tmp_path / "a.png")), RGB)
    np.testing.assert_array_equal(
        read_picture(save(Image.fromarray(np.dstack([GREY, alpha])), tmp_path / "b.png")), GREY[..., np.newaxis]
    )


def test_palettes_are_looked_up(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8))
    picture.putpalette([1, 2, 3, 40, 50, 60, 7, 8, 9])
    path = save(picture, tmp_path / "a.png", transparency=0)  # as many published masks have it
    np.testing.assert_array_equal(read_picture(path), [[[1, 2, 3], [40, 50, 60]], [[7, 8, 9], [1, 2, 3]]])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_become_their_high_bytes(tmp_path, suffix):
    values = np.array([[[0x1234, 0xFFFF, 0x00FF], [0x8000, 0x0100, 0xABCD]]], np.uint16)
    path = tmp_path / f"a{suffix}"
    assert cv2.imwrite(str(path), values[..., ::-1])
    np.testing.assert_array_equal(read_picture(path), [[[0x12, 0xFF, 0x00], [0x80, 0x01, 0xAB]]])
    grey_path = save(Image.fromarray(values[..., 0]), tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(read_picture(grey_path), [[[0x12], [0x80]]])


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    colours = np.full((16, 24, 4), (0, 255, 255, 0), np.uint8)  # magenta and yellow: red
    path = save(Image.frombytes("CMYK", (24, 16), colours.tobytes()), tmp_path / "a.jpg", quality=100)
    picture = read_picture(path)
    assert picture.shape == (16, 24, 3)
    assert np.abs(picture.astype(int) - [255, 0, 0]).max() <= 4


def test_fractions_and_huge_values_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.tif holds float32 values from 0 to 1"):
        read_picture(save(Image.fromarray(np.array([[0.0, 1.0]], np.float32)), tmp_path / "a.tif"))
    with pytest.raises(DataError, match=r"b\.tif holds int32 values from 0 to 70000"):
        read_picture(save(Image.fromarray(np.array([[0, 70_000]], np.int32)), tmp_path / "b.tif"))


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, RGB),
        (2, RGB[:, ::-1]),
        (3, RGB[::-1, ::-1]),
        (4, RGB[::-1]),
        (5, RGB.transpose(1, 0, 2)),
        (6, np.rot90(RGB, -1)),
        (7, RGB[::-1, ::-1].transpose(1, 0, 2)),
        (8, np.rot90(RGB)),
    ],
)
def test_exif_orientation_is_applied(tmp_path, orientation, upright):
    path = save_turned(tmp_path / "a.png", orientation)
    np.testing.assert_array_equal(read_picture(path), upright)
    assert is_kept_as_it_is(path) == (orientation == 1)
    assert swaps_sides(path) == (orientation >= 5)


def test_exif_orientation_is_applied_to_jpeg_and_ids(tmp_path):
    assert read_picture(save_turned(tmp_path / "a.jpg", 6)).shape == (3, 2, 3)
    np.testing.assert_array_equal(read_ids(save_turned(tmp_path / "b.png", 6, GREY)), np.rot90(GREY, -1))


def test_bytes_are_read_too():
    np.testing.assert_array_equal(read_picture(encode_picture(RGB)), RGB)
    with pytest.raises(DataError, match="the third is not a picture"):
        read_picture(b"nothing", name="the third")


# Bad files


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
def test_truncated_files_are_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    path = save(Image.fromarray(noise), tmp_path / f"cut{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"cut\{suffix}"):
        read_picture(path)
    with pytest.raises(DataError, match=rf"cut\{suffix}"):
        read_ids(path)


@pytest.mark.parametrize("read", [read_picture, read_colours, read_ids, is_kept_as_it_is])
def test_a_text_file_is_refused(tmp_path, read):
    path = tmp_path / "notes.png"
    path.write_text("this is no picture")
    with pytest.raises(DataError, match=r"notes\.png is not a picture(.|\n)*fix: "):
        read(path)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n"])
def test_an_empty_file_is_refused(tmp_path, content):
    path = tmp_path / "empty.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"empty\.png"):
        read_picture(path)


def test_a_second_page_without_its_size_is_refused(tmp_path):
    path = save(Image.fromarray(RGB), tmp_path / "a.tif")
    content = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from("<I", content, 4)
    (num_entries,) = struct.unpack_from("<H", content, directory)
    struct.pack_into("<I", content, directory + 2 + 12 * num_entries, len(content))  # where the next page is described
    path.write_bytes(content + bytes(6))  # by nothing
    with pytest.raises(DataError, match=r"a\.tif cannot be decoded"):
        is_kept_as_it_is(path)


def test_an_absent_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"gone\.png does not exist"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(DataError, match="cannot be decoded"):
        read_picture(tmp_path)


@pytest.mark.parametrize("read", [read_picture, read_colours, read_ids])
def test_declared_giants_are_refused_unread(tmp_path, read):
    path = write_png_header(tmp_path / "giant.png", 30_000, 30_000)
    with pytest.raises(DataError, match=r"giant\.png declares 30000 x 30000 pixels(.|\n)*at most 200,000,000(.|\n)*max_pixels"):
        read(path)


def test_the_bound_on_pixels_is_inclusive(tmp_path):
    path = save(Image.fromarray(RGB), tmp_path / "a.png")
    assert read_picture(path, max_pixels=6).shape == (2, 3, 3)
    with pytest.raises(DataError, match="declares 3 x 2 pixels"):
        read_picture(path, max_pixels=5)


# Masks


def test_colours_of_grey_and_palette_masks(tmp_path):
    np.testing.assert_array_equal(read_colours(save(Image.fromarray(GREY), tmp_path / "a.png")), np.stack([GREY] * 3, axis=-1))
    path = tmp_path / "b.png"
    path.write_bytes(
        encode_label_mask(np.array([[0, 2]], np.uint8), np.arange(768, dtype=np.uint32).astype(np.uint8).reshape(256, 3))
    )
    np.testing.assert_array_equal(read_colours(path), [[[0, 1, 2], [6, 7, 8]]])


def test_ids_as_stored(tmp_path):
    ids = np.array([[0, 7, 300]], np.int32)
    np.testing.assert_array_equal(read_ids(save(Image.fromarray(GREY), tmp_path / "a.png")), GREY)
    np.testing.assert_array_equal(read_ids(save(Image.fromarray(np.stack([GREY] * 3, axis=-1)), tmp_path / "b.png")), GREY)
    np.testing.assert_array_equal(read_ids(save(Image.fromarray(ids.astype(np.uint16)), tmp_path / "c.png")), ids)
    np.testing.assert_array_equal(read_ids(save(Image.fromarray(ids), tmp_path / "d.tif")), ids)
    np.testing.assert_array_equal(read_ids(save(Image.fromarray(ids.astype(np.float32)), tmp_path / "e.tif")), ids)
    np.testing.assert_array_equal(read_ids(save(Image.fromarray(np.array([[True, False]])), tmp_path / "f.png")), [[1, 0]])


def test_what_holds_no_ids_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.png holds no ids"):
        read_ids(save(Image.fromarray(RGB), tmp_path / "a.png"))
    with pytest.raises(DataError, match=r"b\.tif holds no ids"):
        read_ids(save(Image.fromarray(np.array([[0.5]], np.float32)), tmp_path / "b.tif"))
    assert cv2.imwrite(str(tmp_path / "c.png"), np.full((2, 3, 3), 7, np.uint16))  # its high bytes are all 0
    with pytest.raises(DataError, match=r"c\.png holds no ids"):
        read_ids(tmp_path / "c.png")


shapes = array_shapes(min_dims=2, max_dims=2, max_side=12)


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, shapes), arrays(np.uint8, (256, 3)))
def test_label_masks_come_back_with_their_palette(label_mask, palette):
    encoded = encode_label_mask(label_mask, palette)
    with Image.open(io.BytesIO(encoded)) as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), label_mask)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), palette[label_mask])
    assert encode_label_mask(label_mask, palette) == encoded


def test_label_masks_are_read_from_files(tmp_path):
    label_mask = np.array([[0, 1, 254], [255, 3, 2]], np.uint8)
    (tmp_path / "m.png").write_bytes(encode_label_mask(label_mask, np.zeros((256, 3), np.uint8)))
    read = read_label_mask(tmp_path / "m.png")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, label_mask)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_pictures_come_back(data):
    height, width, channels = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])))
    picture = data.draw(arrays(np.uint8, (height, width, channels)))
    np.testing.assert_array_equal(read_picture(encode_picture(picture)), picture)


# Kept files


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".bmp", ".webp", ".tif", ".TIFF"])
@pytest.mark.parametrize("array", [RGB, GREY], ids=["rgb", "grey"])
def test_common_8_bit_pictures_are_kept(tmp_path, suffix, array):
    path = save(Image.fromarray(array), tmp_path / f"a{suffix}")
    with Image.open(path) as picture:
        stored_as_colours = picture.mode == "RGB"  # WebP has no grey
    assert is_kept_as_it_is(path)
    assert (read_picture(path).shape[2] == 3) == stored_as_colours


def test_a_wide_bmp_is_no_16_bit_picture(tmp_path):
    assert is_kept_as_it_is(save(Image.new("RGB", (54, 2)), tmp_path / "a.bmp"))  # 162 bytes a row


def test_other_pictures_are_not_kept(tmp_path):
    values = np.full((2, 3, 3), 0x1234, np.uint16)
    for suffix in (".png", ".tif"):
        for name, array in (("colour", values), ("grey", values[..., 0])):
            path = tmp_path / f"{name}{suffix}"
            assert cv2.imwrite(str(path), array)
            assert not is_kept_as_it_is(path), path
    rgb = Image.fromarray(RGB)
    for name, picture in (
        ("p.png", rgb.convert("P")),
        ("a.png", rgb.convert("RGBA")),
        ("c.jpg", rgb.convert("CMYK")),
        ("g.gif", rgb),
    ):
        assert not is_kept_as_it_is(save(picture, tmp_path / name)), name
    assert not is_kept_as_it_is(save(rgb, tmp_path / "liar.png", format="JPEG"))
    assert not is_kept_as_it_is(save(rgb, tmp_path / "two.tif", save_all=True, append_images=[rgb]))


# Sizes


def test_resizing_averages_down_and_keeps_channels():
    picture = np.array([[[0], [100]], [[50], [250]]], np.uint8)
    np.testing.assert_array_equal(resize_picture(picture, (1, 1)), [[[100]]])
    assert resize_picture(picture, (5, 3)).shape == (5, 3, 1)
    assert resize_picture(RGB, (5, 4)).shape == (5, 4, 3)
    assert resize_picture(RGB, (2, 3)) is RGB


def test_resizing_ids_invents_none():
    mask = np.array([[0, 200], [7, 255]], np.uint8)
    np.testing.assert_array_equal(resize_label_mask(mask, (4, 2)), [[0, 200], [0, 200], [7, 255], [7, 255]])


def test_padding_mirrors_below_and_beside():
    picture = np.array([[[1], [2], [3]], [[4], [5], [6]]], np.uint8)
    np.testing.assert_array_equal(pad_picture(picture, (3, 4))[..., 0], [[1, 2, 3, 2], [4, 5, 6, 5], [1, 2, 3, 2]])
    assert pad_picture(picture, (2, 2)) is picture
    assert pad_picture(RGB, (4, 5)).shape == (4, 5, 3)
