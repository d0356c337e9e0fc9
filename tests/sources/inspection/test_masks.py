"""What masks hold: hand-made ones of every kind, clean and through JPEG, resampling and other depths."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from maskmill.errors import DataError
from maskmill.sources.inspection.findings import MaskFindings
from maskmill.sources.inspection.masks import analyse_colour_arrays, analyse_masks
from maskmill.sources.tree import read_tree

SIZE = (120, 160)
STREET = {"road": (128, 64, 128), "sky": (70, 130, 180), "tree": (107, 142, 35), "car": (0, 0, 142), "wall": (190, 153, 153)}
Write = Callable[..., list[Path]]


def draw_ids(seed: int, num: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return uint8 ids in smooth areas, all of them there."""
    rng = np.random.default_rng(seed)
    fields = [cv2.GaussianBlur(rng.normal(size=size), (0, 0), 9) for _ in range(num)]
    ids = np.argmax(fields, axis=0).astype(np.uint8)
    for number in range(num):
        ids[4 : 4 + 12, 4 + number * 12 : 16 + number * 12] = number
    return ids


def draw_blob(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return uint8 0 and 1: a round thing that does not touch the border."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(size, np.uint8)
    cv2.circle(mask, (int(rng.integers(50, 110)), int(rng.integers(45, 75))), int(rng.integers(15, 35)), 1, -1)
    return mask


def paint(ids: NDArray[np.uint8], colours: Sequence[tuple[int, int, int]]) -> NDArray[np.uint8]:
    return np.array(colours, np.uint8)[ids]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write pictures into a folder of masks; return their paths."""

    def save(masks: Sequence[NDArray | Image.Image], suffix: str = "png", folder: str = "masks", **options: object) -> list[Path]:
        (tmp_path / folder).mkdir(exist_ok=True)
        paths = []
        for number, mask in enumerate(masks):
            paths.append(tmp_path / folder / f"{number:03d}.{suffix}")
            (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(paths[-1], **options)
        return paths

    return save


def get_colours(findings: MaskFindings) -> set[tuple[int, int, int]]:
    return {entry.colours[0] for entry in findings.best.classes}


def assert_near(found: set[tuple[int, int, int]], expected: Sequence[tuple[int, int, int]], reach: int) -> None:
    """One found colour within `reach` levels of each expected one, and no other."""
    assert len(found) == len(expected), found
    for colour in expected:
        assert min(max(abs(a - b) for a, b in zip(colour, other, strict=True)) for other in found) <= reach, (colour, found)


def test_clean_colours(write):
    findings = analyse_masks(write([paint(draw_ids(seed, 5), list(STREET.values())) for seed in range(4)]))
    assert (findings.best.kind, findings.best.form, findings.best.tolerance) == ("colours", "folders", 0)
    assert get_colours(findings) == set(STREET.values())
    assert [entry.id for entry in findings.best.classes] == [0, 1, 2, 3, 4]
    assert sum(entry.fraction for entry in findings.best.classes) == pytest.approx(1)
    assert not findings.is_ambiguous


@pytest.mark.parametrize("quality", [75, 85, 95])
@pytest.mark.parametrize("subsampling", [0, 2])  # 4:4:4, 4:2:0
def test_jpeg_bleeding_is_no_class(write, quality, subsampling):
    masks = [paint(draw_ids(seed, 5), list(STREET.values())) for seed in range(8)]
    findings = analyse_masks(write(masks, "jpg", quality=quality, subsampling=subsampling))
    assert findings.best.kind == "colours"
    assert_near(get_colours(findings), list(STREET.values()), 3)
    assert 0 < findings.best.tolerance <= 128
    assert findings.best.unmatched < 0.06


@pytest.mark.parametrize("method", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
@pytest.mark.parametrize("factor", [0.6, 1.7])
def test_soft_edges_are_no_class(write, method, factor):
    width, height = int(SIZE[1] * factor), int(SIZE[0] * factor)
    masks = [Image.fromarray(paint(draw_ids(seed, 5), list(STREET.values()))).resize((width, height), method) for seed in range(8)]
    findings = analyse_masks(write(masks))
    assert get_colours(findings) == set(STREET.values())
    assert findings.best.tolerance > 0


def test_thirty_classes_with_a_rare_thin_one(write):
    """The pole is one pixel wide, without inside, and 0.1 % of the pixels: exact values make it a class all the same."""
    colours = [(40 * (k % 6) + 20, 50 * (k // 6 % 5) + 10, 37 * k % 256) for k in range(30)]
    masks = []
    for seed in range(6):
        ids = (np.arange(240)[:, np.newaxis] // 48 * 6 + np.arange(240) // 40).astype(np.uint8)
        ids[ids == 29] = 28
        ids[20:78, 100 + seed] = 29
        masks.append(paint(ids, colours))
    findings = analyse_masks(write(masks))
    assert get_colours(findings) == set(colours)
    pole = next(entry for entry in findings.best.classes if entry.colours == (colours[29],))
    assert pole.fraction == pytest.approx(58 / 240**2)
    assert pole.masks == 6


def test_ids_in_one_channel_are_colours_one_level_apart(write):
    """CARLA keeps the class in the red channel."""
    masks = [np.dstack([draw_ids(seed, 7), *np.zeros((2, *SIZE), np.uint8)]) for seed in range(3)]
    assert get_colours(analyse_masks(write(masks))) == {(value, 0, 0) for value in range(7)}


def write_class_and_number(tmp_path: Path) -> list[Path]:
    """Write 16-bit RGB: class 0 to 3, number of the thing 0 to 4, nothing."""
    paths = []
    for seed in range(3):
        deep = np.dstack([draw_ids(seed, 4), draw_ids(seed + 9, 5), np.zeros(SIZE, np.uint8)]).astype(np.uint16)
        paths.append(tmp_path / f"{seed}.png")
        cv2.imwrite(str(paths[-1]), deep[..., ::-1])
    return paths


def test_class_and_number_in_channels(tmp_path):
    """They are read, but painted masks of the same pictures are to be preferred."""
    findings = analyse_masks(write_class_and_number(tmp_path))
    assert findings.best.likelihood <= 0.3
    assert [{colour[0] for colour in entry.colours} for entry in findings.best.classes] == [{0}, {1}, {2}, {3}]
    colours = {colour for entry in findings.best.classes for colour in entry.colours}
    assert colours == {(kind, number, 0) for kind in range(4) for number in range(5)}
    assert "not paint" in findings.notes[0]


def test_a_table_names_the_numbers_in_a_channel(tmp_path):
    paths = write_class_and_number(tmp_path)
    (tmp_path / "classes.csv").write_text("id,name\n0,sky\n1,road\n2,car\n3,tree\n")
    best = analyse_masks(paths, tree=read_tree(tmp_path)).best
    assert [(entry.name, entry.colours[0][0]) for entry in best.classes] == [("sky", 0), ("road", 1), ("car", 2), ("tree", 3)]


def test_dark_paint_is_no_number(write):
    """Colours 20 levels apart."""
    findings = analyse_masks(write([paint(draw_ids(seed, 3), [(0, 0, 0), (20, 0, 0), (50, 30, 0)]) for seed in range(3)]))
    assert (findings.best.kind, findings.best.likelihood) == ("colours", 0.9)


@pytest.mark.parametrize("top", [1, 128, 255])
def test_two_exact_values_are_ids(write, top):
    findings = analyse_masks(write([draw_blob(seed) * np.uint8(top) for seed in range(4)]))
    assert (findings.best.kind, findings.best.form) == ("binary", "index")
    assert [(entry.name, entry.source_ids) for entry in findings.best.classes] == [("background", (0,)), ("object", (top,))]


@pytest.mark.parametrize("top", [128, 255])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_two_noisy_peaks_take_a_threshold(write, top, mode):
    masks = [Image.fromarray(draw_blob(seed) * np.uint8(top)).convert(mode) for seed in range(4)]
    findings = analyse_masks(write(masks, "jpg", quality=80))
    assert (findings.best.kind, findings.best.form) == ("binary", "suffix")
    assert findings.best.threshold == top // 2
    assert [entry.source_ids for entry in findings.best.classes] == [(), ()]
    truth = np.mean([draw_blob(seed).mean() for seed in range(4)])
    assert findings.best.classes[1].fraction == pytest.approx(truth, rel=0.02)


def test_soft_edges_of_black_and_white(write):
    masks = [Image.fromarray(draw_blob(seed) * 255).resize((130, 90), Image.Resampling.BILINEAR) for seed in range(4)]
    assert analyse_masks(write(masks)).best.threshold == 127


def test_sixteen_bits_and_one_bit(write):
    deep = analyse_masks(write([draw_blob(seed).astype(np.uint16) * 65535 for seed in range(3)], folder="deep"))
    assert [entry.source_ids for entry in deep.best.classes] == [(0,), (65535,)]
    one = analyse_masks(write([Image.fromarray(draw_blob(seed) * 255).convert("1") for seed in range(3)], folder="one"))
    assert [entry.source_ids for entry in one.best.classes] == [(0,), (1,)]


def test_dark_object_on_white(write):
    """White is most of the picture and all of its border: the object is what is black."""
    exact = analyse_masks(write([255 - draw_blob(seed) * 255 for seed in range(4)]))
    assert [entry.source_ids for entry in exact.best.classes] == [(255,), (0,)]
    noisy = analyse_masks(write([255 - draw_blob(seed) * 255 for seed in range(4)], "jpg", folder="noisy", quality=80))
    assert [entry.source_ids for entry in noisy.best.classes] == [(1,), (0,)]
    assert noisy.best.classes[0].fraction > 0.7


def test_object_is_called_as_its_folder(write):
    findings = analyse_masks(write([draw_blob(seed) * 255 for seed in range(3)], folder="cracks"))
    assert [entry.name for entry in findings.best.classes] == ["background", "cracks"]


def test_ids_with_void(write):
    masks = [draw_ids(seed, 4) for seed in range(4)]
    for mask in masks:
        mask[60:62] = 255
    findings = analyse_masks(write(masks))
    assert (findings.best.kind, findings.best.form) == ("ids", "index")
    assert [(entry.id, entry.source_ids, entry.void) for entry in findings.best.classes] == [
        (0, (0,), False),
        (1, (1,), False),
        (2, (2,), False),
        (3, (3,), False),
        (None, (255,), True),
    ]


def test_three_greys_far_apart_are_three_classes(write):
    masks = [np.array([0, 128, 255], np.uint8)[draw_ids(seed, 3)] for seed in range(4)]
    findings = analyse_masks(write(masks))
    assert [(entry.source_ids, entry.void) for entry in findings.best.classes] == [((0,), False), ((128,), False), ((255,), False)]


def test_three_noisy_greys_are_colours(write):
    masks = [np.array([0, 128, 255], np.uint8)[draw_ids(seed, 3)] for seed in range(4)]
    findings = analyse_masks(write(masks, "jpg", quality=90))
    assert findings.best.form == "folders"
    assert_near(get_colours(findings), [(0, 0, 0), (128, 128, 128), (255, 255, 255)], 3)


def test_one_palette_means_ids(write):
    masks = []
    for seed in range(4):
        mask = Image.fromarray(draw_ids(seed, 3))
        mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
        masks.append(mask)
    findings = analyse_masks(write(masks))
    assert [reading.kind for reading in findings.readings] == ["ids", "colours"]
    assert not findings.is_ambiguous
    assert [(entry.source_ids, entry.colours) for entry in findings.best.classes] == [
        ((0,), ((0, 0, 0),)),
        ((1,), ((128, 0, 0),)),
        ((2,), ((0, 128, 0),)),
    ]


def test_palettes_that_differ_mean_colours(write):
    masks = [Image.fromarray(paint(draw_ids(seed, 3), list(STREET.values())[seed : seed + 3])).quantize(8) for seed in range(3)]
    findings = analyse_masks(write(masks))
    assert findings.best.kind == "colours"
    assert get_colours(findings) == set(STREET.values())
    assert any("palettes differ" in note for note in findings.notes)


def test_palette_and_rgb_masks_mixed(write):
    masks = [Image.fromarray(paint(draw_ids(seed, 5), list(STREET.values()))) for seed in range(4)]
    findings = analyse_masks(write([masks[0].quantize(8), *masks[1:]]))
    assert get_colours(findings) == set(STREET.values())


def test_deep_rgba_colours(tmp_path):
    paths = []
    for seed in range(3):
        deep = paint(draw_ids(seed, 5), list(STREET.values())).astype(np.uint16) * 257
        paths.append(tmp_path / f"{seed}.png")
        cv2.imwrite(str(paths[-1]), np.dstack([deep[..., ::-1], np.full(SIZE, 65535, np.uint16)]))
    assert get_colours(analyse_masks(paths)) == set(STREET.values())


def number_things(seed: int, num: int) -> NDArray[np.int32]:
    """Return int32 ids: 0, and 1 to `num`, each a square of its own."""
    mask = np.zeros(SIZE, np.int32)
    for thing in range(num):
        row, column = divmod(thing, 8)
        mask[row * 20 + 2 : row * 20 + 15, column * 20 + 1 + seed : column * 20 + 15] = thing + 1
    return mask


def test_numbers_of_many_things(write):
    findings = analyse_masks(write([Image.fromarray(number_things(seed, 20 + 3 * seed)) for seed in range(4)], "tif"))
    assert (findings.best.kind, findings.best.form) == ("instances", "index")
    assert [entry.source_ids for entry in findings.best.classes] == [(0,), ("> 0",)]
    assert not findings.is_ambiguous


def test_few_things_may_be_classes(write):
    """One to five people a picture, numbered: instances first, and small ids as the other reading."""
    findings = analyse_masks(write([number_things(seed, 1 + seed).astype(np.uint8) for seed in range(5)]))
    assert [reading.kind for reading in findings.readings] == ["instances", "ids"]


def test_class_and_number_in_one(write):
    masks = [(number_things(seed, 5) + 26000 * (number_things(seed, 5) > 0)).astype(np.uint16) for seed in range(3)]
    for mask in masks:
        mask[100:] = 7
    findings = analyse_masks(write(masks))
    assert [entry.source_ids for entry in findings.best.classes] == [(0,), (7,), ("26000-26999",)]


def test_colours_of_many_things(write):
    masks = []
    for seed in range(4):
        colours = np.random.default_rng(seed).integers(1, 256, (30, 3), np.uint8)
        colours[0] = 0
        masks.append(colours[number_things(seed, 20)])
    findings = analyse_masks(write(masks))
    assert (findings.best.kind, findings.best.form, findings.best.threshold) == ("instances", "suffix", 0)


def paint_things(ground: tuple[int, int, int], highest: int, thing: tuple[int, int, int] | None = None) -> list[NDArray[np.uint8]]:
    """Return four masks of 20 things, each in a colour of its own up to `highest`; the first thing may have a given one."""
    masks = []
    for seed in range(4):
        colours = np.random.default_rng(seed).integers(1, highest + 1, (21, 3), np.uint8)
        colours[0] = ground
        colours[1] = thing or colours[1]
        masks.append(colours[number_things(seed, 20)])
    return masks


def test_colours_of_many_things_on_white(write):
    findings = analyse_masks(write(paint_things((255, 255, 255), 250)))
    assert (findings.best.kind, findings.best.form, findings.best.threshold) == ("instances", "suffix", 254)
    assert [(entry.name, entry.source_ids) for entry in findings.best.classes] == [("background", (1,)), ("object", (0,))]
    assert findings.best.classes[0].fraction > 0.5


@pytest.mark.parametrize(("ground", "thing"), [((40, 90, 200), None), ((255, 255, 255), (255, 0, 0))])
def test_things_that_no_threshold_tells_from_the_ground(write, ground, thing):
    """Neither on blue nor, where a thing is red, on white: the brightest channel is what counts."""
    findings = analyse_masks(write(paint_things(ground, 250, thing)))
    assert (findings.best.kind, findings.best.classes) == ("photo", ())
    assert "cannot be read" in findings.best.reasons[0]


@pytest.mark.parametrize("ground", [(0, 0, 0), (40, 90, 200)])
def test_a_table_need_not_name_the_background(write, tmp_path, ground):
    (tmp_path / "meta.json").write_text('{"classes": [{"id": 7, "title": "person", "color": "#F6FF00"}]}')
    paths = write([paint(draw_blob(seed), [ground, (246, 255, 0)]) for seed in range(4)])
    best = analyse_masks(paths, tree=read_tree(tmp_path)).best
    assert [(entry.id, entry.name, entry.colours) for entry in best.classes] == [
        (0, "background", (ground,)),
        (1, "person", ((246, 255, 0),)),
    ]
    assert best.table == "meta.json"


@pytest.mark.parametrize("top", [1, 255])
def test_a_table_of_the_only_thing_names_it_in_black_and_white(write, tmp_path, top):
    (tmp_path / "colours.json").write_text(f'{{"polyp": [{top}, {top}, {top}]}}')
    best = analyse_masks(write([draw_blob(seed) * top for seed in range(3)]), tree=read_tree(tmp_path)).best
    assert [(entry.name, entry.source_ids) for entry in best.classes] == [("background", (0,)), ("polyp", (top,))]


def test_a_table_of_another_thing_names_nothing(write, tmp_path):
    (tmp_path / "colours.json").write_text('{"polyp": [200, 10, 10]}')
    paths = write([paint(draw_blob(seed), [(0, 0, 0), (246, 255, 0)]) for seed in range(4)])
    best = analyse_masks(paths, tree=read_tree(tmp_path)).best
    assert ([entry.name for entry in best.classes], best.table) == (["background", "yellow"], None)


def test_trimap_by_its_border(write):
    masks = []
    for seed in range(4):
        blob = draw_blob(seed)
        masks.append(np.where(blob == 1, 1, np.where(cv2.dilate(blob, np.ones((7, 7), np.uint8)) == 1, 3, 2)).astype(np.uint8))
    findings = analyse_masks(write(masks))
    assert (findings.best.kind, findings.best.form) == ("trimap", "trimap")
    assert [(entry.name, entry.void) for entry in findings.best.classes] == [
        ("background", False),
        ("pet", False),
        ("border", True),
    ]
    assert findings.readings[1].kind == "ids"


def test_one_to_three_that_touch_are_ids(write):
    assert analyse_masks(write([draw_ids(seed, 3) + 1 for seed in range(3)])).best.kind == "ids"


def test_photos_are_no_masks(write):
    rng = np.random.default_rng(0)
    photos = [
        cv2.GaussianBlur(rng.integers(0, 256, (*SIZE, 3), np.uint8), (0, 0), 4) + rng.integers(0, 9, (*SIZE, 3), np.uint8)
        for _ in range(4)
    ]
    assert analyse_masks(write(photos, "jpg", quality=90)).best.kind == "photo"
    assert analyse_masks(write([photo[..., 0] for photo in photos], folder="grey")).best.kind == "photo"


@pytest.mark.parametrize(("suffix", "options"), [("jpg", {"quality": 75}), ("png", {})])
@pytest.mark.parametrize("noise", [0, 60])
def test_photos_cut_out_on_black_are_no_masks(write, suffix, options, noise):
    cut_outs = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        texture = cv2.GaussianBlur(rng.normal(size=(*SIZE, 3)), (0, 0), 6)
        leaf = np.array([60, 140, 90]) + 25 * texture / texture.std() + noise * rng.normal(size=(*SIZE, 3))
        cut_outs.append(np.clip(leaf, 0, 255).astype(np.uint8) * draw_blob(seed)[..., np.newaxis])
    assert analyse_masks(write(cut_outs, suffix, **options)).best.kind == "photo"


def test_stray_black_is_void(write):
    masks = [paint(draw_ids(seed, 5), list(STREET.values())) for seed in range(8)]
    masks[3][50:60, 50:80] = 0
    void = analyse_masks(write(masks)).best.classes[-1]
    assert (void.name, void.void, void.colours, void.masks) == ("void", True, ((0, 0, 0),), 1)


def test_a_colour_a_little_off_is_the_same_one(write):
    """A second tool wrote one mask with another rounding."""
    masks = [paint(draw_ids(seed, 5), list(STREET.values())) for seed in range(8)]
    masks[0][20:22] = (129, 64, 127)
    findings = analyse_masks(write(masks))
    assert get_colours(findings) == set(STREET.values())
    assert findings.best.tolerance == 8


def test_border_of_voc_is_void(write):
    colours = [(0, 0, 0), (128, 0, 0), (0, 128, 0)]
    masks = [paint(draw_ids(seed, 3), colours) for seed in range(3)]
    for mask in masks:
        mask[60:63] = (224, 224, 192)
    assert [(entry.name, entry.void) for entry in analyse_masks(write(masks)).best.classes][-1] == ("void", True)


def test_ids_in_jpeg_are_warned_of(write):
    ids = (np.arange(120)[:, np.newaxis] // 40 * 4 + np.arange(160) // 40).astype(np.uint8)
    findings = analyse_masks(write([ids, ids.T.copy()], "jpg", quality=100))
    assert findings.best.kind == "ids"
    assert any("changes ids" in note for note in findings.notes)


def test_noise_spread_by_enlarging_is_no_class(write):
    masks = []
    for seed in range(8):
        small = Image.fromarray(paint(draw_ids(seed, 5), list(STREET.values())))
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=75)
        masks.append(Image.open(buffer).resize((320, 240), Image.Resampling.BICUBIC))
    assert_near(get_colours(analyse_masks(write(masks))), list(STREET.values()), 4)


def test_slips_of_the_pen_are_void(write):
    masks = [draw_ids(seed, 4, (400, 600)) for seed in range(4)]
    masks[0][100, 100:103] = 77
    void = analyse_masks(write(masks)).best.classes[-1]
    assert (void.source_ids, void.void) == ((77,), True)
    assert "slip" in void.reason


def test_black_and_white_that_was_not_looked_at_whole_takes_a_threshold(write):
    findings = analyse_masks(write([draw_blob(seed) * 255 for seed in range(6)]), max_files=3)
    assert (findings.best.form, findings.best.threshold) == ("suffix", 127)


def test_halves_of_composites():
    halves = [paint(draw_ids(seed, 5), list(STREET.values())) for seed in range(3)]
    findings = analyse_colour_arrays(iter(halves), given=30)
    assert get_colours(findings) == set(STREET.values())
    assert (findings.looked_at, findings.given) == (3, 30)
    assert "3 of 30 masks were looked at, evenly chosen" in findings.notes


def test_unreadable_masks_are_named(write, tmp_path):
    paths = write([draw_blob(seed) * 255 for seed in range(3)])
    (tmp_path / "masks" / "broken.png").write_text("no picture")
    findings = analyse_masks([*paths, tmp_path / "masks" / "broken.png"])
    assert findings.best.kind == "binary"
    assert "broken.png is not a picture" in findings.unreadable[0]


def test_nothing_to_look_at(tmp_path):
    (tmp_path / "broken.png").write_text("no picture")
    with pytest.raises(DataError, match="none of 1 masks can be read"):
        analyse_masks([tmp_path / "broken.png"])
    with pytest.raises(DataError, match="none of 0 masks"):
        analyse_masks([])
    with pytest.raises(DataError, match="no masks to look at"):
        analyse_colour_arrays([])


def test_masks_are_chosen_evenly(write):
    findings = analyse_masks(write([draw_blob(seed) for seed in range(12)]), max_files=5)
    assert (findings.looked_at, findings.given) == (5, 12)


def test_table_names_black_and_white(write, tmp_path):
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nroad,255,255,255\nbackground,0,0,0\n")
    for suffix, folder in (("png", "exact"), ("jpg", "noisy")):
        findings = analyse_masks(write([draw_blob(seed) * 255 for seed in range(3)], suffix, folder), tree=read_tree(tmp_path))
        assert [entry.name for entry in findings.best.classes] == ["background", "road"]
        assert findings.best.table == "class_dict.csv"
