import io
import struct
import warnings
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pytest
import rasterio
import rasterio.shutil
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from maskmill.errors import DataError
from maskmill.pictures import (
    encode_label_mask,
    encode_picture,
    is_kept_as_it_is,
    picture_suffix,
    read_colours,
    read_ids,
    read_label_mask,
    read_picture,
    swaps_sides,
)
from maskmill.scaling import pad_picture, resize_label_mask, resize_picture

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


def write_raster(path: Path, values: np.ndarray, **options) -> Path:
    height, width, count = values.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        layout = {"height": height, "width": width, "count": count, "dtype": values.dtype}
        with rasterio.open(path, "w", driver="GTiff", **layout, **options) as raster:
            raster.write(np.moveaxis(values, 2, 0))
    return path


def bands_of(count: int, dtype: str = "uint8") -> np.ndarray:
    """Values (3, 4, count) that differ everywhere."""
    return np.arange(12 * count).reshape(3, 4, count).astype(dtype)


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
    with pytest.raises(DataError, match=r"a\.tif holds float32 values from 0 to 1(.|\n)*fix: set source.stretch"):
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


# Rasters


@pytest.mark.parametrize("count", [2, 4, 5, 8, 16])
def test_rasters_have_all_their_bands(tmp_path, count, caplog):
    path = write_raster(tmp_path / "a.tif", bands_of(count), photometric="MINISBLACK", alpha="NO")
    np.testing.assert_array_equal(read_picture(path), bands_of(count))
    np.testing.assert_array_equal(read_picture(path.read_bytes()), bands_of(count))
    np.testing.assert_array_equal(read_picture(path, bands=[count, 1]), bands_of(count)[..., [count - 1, 0]])
    assert not is_kept_as_it_is(path)
    assert not caplog.records


def test_colours_with_a_further_band_keep_it_unless_it_is_alpha(tmp_path):
    infrared = write_raster(tmp_path / "a.tif", bands_of(4), photometric="RGB", alpha="NO")
    np.testing.assert_array_equal(read_picture(infrared), bands_of(4))
    alpha = write_raster(tmp_path / "b.tif", bands_of(5), photometric="RGB", alpha="YES")  # the fourth of five
    np.testing.assert_array_equal(read_picture(alpha), bands_of(5)[..., [0, 1, 2, 4]])
    np.testing.assert_array_equal(read_picture(alpha, bands=[4]), bands_of(5)[..., [3]])
    assert not is_kept_as_it_is(infrared)
    assert not is_kept_as_it_is(alpha)


def test_bands_of_photographs(tmp_path):
    path = save(Image.fromarray(np.dstack([RGB, GREY])), tmp_path / "a.png")
    np.testing.assert_array_equal(read_picture(path, bands=[3, 1]), RGB[..., [2, 0]])
    np.testing.assert_array_equal(read_picture(path, bands=[4]), GREY[..., np.newaxis])
    np.testing.assert_array_equal(read_picture(save_turned(tmp_path / "b.png", 6), bands=[2]), np.rot90(RGB, -1)[..., [1]])


@pytest.mark.parametrize("count", [3, 5])
@pytest.mark.parametrize("number", [0, 6])
def test_a_band_beyond_the_file_is_refused(tmp_path, count, number):
    path = write_raster(tmp_path / "a.tif", bands_of(count))
    with pytest.raises(DataError, match=rf"a\.tif has {count} bands, and source.bands asks for band {number}"):
        read_picture(path, bands=[1, number])


@pytest.mark.parametrize("count", [1, 3, 5])
def test_deep_bands_keep_their_high_bytes(tmp_path, count):
    values = (bands_of(count).astype(np.uint16) << 8) | 0xEE
    np.testing.assert_array_equal(read_picture(write_raster(tmp_path / "a.tif", values)), bands_of(count))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "float32", "float64"])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_the_stretch_is_of_each_band(tmp_path, dtype, count):
    ramp = np.linspace(0, 1000, 11)[:, np.newaxis] * np.ones(2)  # 0 100 ... 1000: the percentiles 10 and 90 are 100 and 900
    values = np.dstack([ramp * (band + 1) for band in range(count)]).astype(dtype)
    expected = np.rint(np.clip((ramp - 100) / 800, 0, 1) * 255)
    path = write_raster(tmp_path / "a.tif", values)
    np.testing.assert_array_equal(read_picture(path, stretch=(10, 90)), np.dstack([expected] * count))
    np.testing.assert_array_equal(read_picture(path.read_bytes(), stretch=(10, 90), bands=[count]), expected[..., np.newaxis])


def test_16_bit_png_is_stretched_too(tmp_path):
    values = np.array([[[0, 10, 7], [50, 20, 7], [100, 30, 7]]], np.uint16)
    assert cv2.imwrite(str(tmp_path / "a.png"), values[..., ::-1])
    stretched = read_picture(tmp_path / "a.png", stretch=(0, 100))
    np.testing.assert_array_equal(stretched, [[[0, 0, 0], [128, 128, 0], [255, 255, 0]]])  # what is constant is 0
    assert cv2.imwrite(str(tmp_path / "b.png"), values[..., 0])
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png", stretch=(0, 100)), stretched[..., :1])


def test_8_bits_are_not_stretched(tmp_path):
    path = write_raster(tmp_path / "a.tif", bands_of(5))
    np.testing.assert_array_equal(read_picture(path, stretch=(2, 98)), bands_of(5))
    np.testing.assert_array_equal(read_picture(save(Image.fromarray(GREY), tmp_path / "b.png"), stretch=(2, 98))[..., 0], GREY)


def test_nodata_and_nan_are_left_out_of_the_stretch(tmp_path):
    values = np.array([[-9999, 0, 50, 100]], np.float32)
    expected = [[[0], [0], [128], [255]]]
    np.testing.assert_array_equal(
        read_picture(write_raster(tmp_path / "a.tif", values[..., np.newaxis], nodata=-9999), stretch=(0, 100)), expected
    )
    values[0, 0] = np.nan
    np.testing.assert_array_equal(
        read_picture(write_raster(tmp_path / "b.tif", values[..., np.newaxis]), stretch=(0, 100)), expected
    )
    nothing = write_raster(tmp_path / "c.tif", np.full((2, 3, 1), np.nan, np.float32))
    np.testing.assert_array_equal(read_picture(nothing, stretch=(2, 98)), np.zeros((2, 3, 1)))


def test_a_few_values_in_a_constant_band_are_seen(tmp_path):
    values = np.zeros((10, 20, 1), np.uint16)
    values[4, 5] = 900  # beyond both percentiles
    stretched = read_picture(write_raster(tmp_path / "a.tif", values), stretch=(2, 98))
    assert stretched[4, 5, 0] == 255
    assert np.count_nonzero(stretched) == 1


def test_jpeg_2000_of_16_bits(tmp_path):
    values = bands_of(3, "uint16") * 500
    with MemoryFile(write_raster(tmp_path / "a.tif", values).read_bytes()) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rasterio.shutil.copy(file.name, tmp_path / "a.jp2", driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jp2"), values >> 8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_tiff_is_turned_upright(tmp_path, dtype, orientation, compression):
    values = np.array([[0, 51, 102], [153, 204, 255]])
    upright = {
        1: values,
        2: values[:, ::-1],
        3: np.rot90(values, 2),
        4: values[::-1],
        5: values.T,
        6: np.rot90(values, -1),
        7: np.rot90(values, 2).T,
        8: np.rot90(values),
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = save(Image.fromarray(values.astype(dtype)), tmp_path / "a.tif", exif=exif, compression=compression)
    np.testing.assert_array_equal(read_picture(path, stretch=(0, 100))[..., 0], upright)
    np.testing.assert_array_equal(read_ids(path), upright)


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_truncated_rasters_are_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    path = tmp_path / f"cut{suffix}"
    assert cv2.imwrite(str(path), noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for read in (read_picture, read_ids, read_colours):
        with pytest.raises(DataError, match=rf"cut\{suffix} (cannot be decoded|is not a picture)"):
            read(path)


def test_no_file_and_no_address_is_opened_through_a_raster(tmp_path):
    secret = save(Image.fromarray(GREY), tmp_path / "secret.png")
    virtual = f"""<VRTDataset rasterXSize="3" rasterYSize="2"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>
        <SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"""
    with pytest.raises(DataError, match="is not a picture"):
        read_picture(virtual.encode())


def test_complex_rasters_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.tif holds complex numbers"):
        read_picture(write_raster(tmp_path / "a.tif", np.ones((2, 3, 1), np.complex64)))


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
    np.testing.assert_array_equal(read_ids(save(Image.fromarray(np.dstack([GREY, ~GREY])), tmp_path / "g.png")), GREY)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "uint32", "float32", "float64"])
def test_ids_of_any_depth(tmp_path, dtype):
    ids = np.array([[0, 7, 100], [1, 99, -3 if dtype[0] in "if" else 3_000_000_000]], dtype)
    read = read_ids(write_raster(tmp_path / "a.tif", ids[..., np.newaxis]))
    assert read.dtype.kind in "iu"
    np.testing.assert_array_equal(read, ids)


def test_ids_in_16_bit_bands_that_agree(tmp_path):
    ids = np.array([[7, 300, 40_000]], np.uint16)
    path = tmp_path / "a.png"
    assert cv2.imwrite(str(path), np.dstack([ids, ids, ids, np.full_like(ids, 65_535)]))  # with an alpha band
    np.testing.assert_array_equal(read_ids(path), ids)


def test_16_bit_colour_masks(tmp_path):
    colours = np.array([[[0x12, 0xFF, 0x00], [0x80, 0x01, 0xAB]]], np.uint16)
    alpha = np.full((1, 2, 1), 0xFFFF, np.uint16)
    for name, values in (("full.png", colours << 8 | 7), ("low.png", colours)):
        assert cv2.imwrite(str(tmp_path / name), np.dstack([values[..., ::-1], alpha]))
        np.testing.assert_array_equal(read_colours(tmp_path / name), colours)


def test_colour_masks_of_other_band_counts(tmp_path):
    assert read_colours(write_raster(tmp_path / "padded.tif", np.dstack([RGB, GREY]), alpha="NO")).shape == (2, 3, 3)
    with pytest.raises(DataError, match=r"five\.tif has 5 bands"):
        read_colours(write_raster(tmp_path / "five.tif", np.dstack([RGB, GREY, GREY])))


def test_what_holds_no_ids_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.png holds no ids"):
        read_ids(save(Image.fromarray(RGB), tmp_path / "a.png"))
    with pytest.raises(DataError, match=r"b\.tif holds no ids"):
        read_ids(save(Image.fromarray(np.array([[0.5]], np.float32)), tmp_path / "b.tif"))
    assert cv2.imwrite(str(tmp_path / "c.png"), np.array([[[7, 7, 8]]], np.uint16))  # its high bytes are all 0
    with pytest.raises(DataError, match=r"c\.png holds no ids"):
        read_ids(tmp_path / "c.png")


shapes = array_shapes(min_dims=2, max_dims=2, max_side=12)


@settings(max_examples=40)
@given(arrays(np.uint8, shapes), arrays(np.uint8, (256, 3)))
def test_label_masks_come_back_with_their_palette(label_mask, palette):
    encoded = encode_label_mask(label_mask, palette)
    with Image.open(io.BytesIO(encoded)) as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), label_mask)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), palette[label_mask])
    assert encode_label_mask(label_mask, palette) == encoded


@settings(max_examples=40)
@given(arrays(np.uint16, shapes))
def test_bit_masks_come_back(bit_mask):
    encoded = encode_label_mask(bit_mask, np.zeros((256, 3), np.uint8))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.png"
        path.write_bytes(encoded)
        read = read_label_mask(path)
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, bit_mask)


def test_label_masks_are_read_from_files(tmp_path):
    label_mask = np.array([[0, 1, 254], [255, 3, 2]], np.uint8)
    (tmp_path / "m.png").write_bytes(encode_label_mask(label_mask, np.zeros((256, 3), np.uint8)))
    read = read_label_mask(tmp_path / "m.png")
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, label_mask)


@settings(max_examples=30)
@given(st.data())
def test_pictures_come_back(data):
    height, width, channels = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)))
    picture = data.draw(arrays(np.uint8, (height, width, channels)))
    encoded = encode_picture(picture)
    np.testing.assert_array_equal(read_picture(encoded), picture)
    assert encode_picture(picture) == encoded
    assert encoded.startswith(b"\x89PNG" if picture_suffix(channels) == ".png" else b"II*\0")


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
    bits = np.array([[0x8000, 1], [7, 0x7FFF]], np.uint16)
    resized = resize_label_mask(bits, (2, 4))
    assert resized.dtype == np.uint16
    np.testing.assert_array_equal(resized, np.repeat(bits, 2, axis=1))


@pytest.mark.parametrize("size", [(2, 3), (9, 14), (2, 14)])
def test_every_band_is_resized_alike(size):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 6), np.uint8)
    resized = resize_picture(picture, size)
    for band in range(6):
        np.testing.assert_array_equal(resized[..., [band]], resize_picture(picture[..., [band]], size))
    assert pad_picture(picture, (6, 9)).shape == (6, 9, 6)


def test_padding_mirrors_below_and_beside():
    picture = np.array([[[1], [2], [3]], [[4], [5], [6]]], np.uint8)
    np.testing.assert_array_equal(pad_picture(picture, (3, 4))[..., 0], [[1, 2, 3, 2], [4, 5, 6, 5], [1, 2, 3, 2]])
    assert pad_picture(picture, (2, 2)) is picture
    assert pad_picture(RGB, (4, 5)).shape == (4, 5, 3)
