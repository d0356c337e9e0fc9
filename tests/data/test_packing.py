import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskmill.data.augmentation import augment_sample, build_transform
from maskmill.data.copies import count_copies, refuse_strange_parents
from maskmill.data.packing import _as_many_as_pay, pack_arrays
from maskmill.errors import DataError, ParamsError
from maskmill.parallel import Workers
from maskmill.scaling import tile_starts

FLIPS = [{"name": "HorizontalFlip", "p": 0.5}, {"name": "RandomRotate90", "p": 0.5}]
SETTINGS = {
    "policy": "fit",
    "image_size": (16, 16),
    "factor": 1.0,
    "copies": 0,
    "total": None,
    "transforms": FLIPS,
    "seed": 0,
    "workers": Workers(jobs=1),
}


def make_sample(part, size=(16, 16), channels=3, seed=0):
    generator = np.random.default_rng(seed)
    return part, generator.integers(0, 256, (*size, channels), np.uint8), generator.integers(0, 2, size).astype(np.uint8)


@pytest.fixture
def pack(write_encoded, tmp_path):
    def run(samples, **settings):
        encoded_dir = tmp_path / "build" / "encoded"
        if samples is not None:
            write_encoded(samples)
        table = pd.read_csv(encoded_dir / "samples.csv")
        return pack_arrays(table, encoded_dir, tmp_path / "build" / "arrays", **{**SETTINGS, **settings})

    run.arrays = lambda part: [np.load(tmp_path / "build" / "arrays" / part / name) for name in ("images.npy", "masks.npy")]
    run.folder = tmp_path / "build" / "arrays"
    return run


def read_bytes(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_pictures_of_the_training_size_are_packed_as_they_are(pack):
    samples = {"b": make_sample("train", seed=1), "a": make_sample("train", seed=2), "c": make_sample("val", seed=3)}
    samples["d"] = make_sample("test", seed=4)
    rows = pack(samples)
    images, masks = pack.arrays("train")
    np.testing.assert_array_equal(images, [samples["a"][1], samples["b"][1]])
    np.testing.assert_array_equal(masks, [samples["a"][2], samples["b"][2]])
    np.testing.assert_array_equal(pack.arrays("val")[0], [samples["c"][1]])
    assert sorted(path.name for path in pack.folder.iterdir()) == ["train", "val"]
    table = pd.read_csv(pack.folder / "train" / "samples.csv")
    assert table.columns.tolist() == ["id", "parent", "copy", "top", "left"]
    assert table["parent"].tolist() == ["a", "b"]
    assert rows["train"].values.tolist() == table.values.tolist()


def test_fit_resizes_whole_pictures(pack):
    picture = np.repeat(np.arange(8, dtype=np.uint8)[:, None, None] * 20, 12, axis=1)[:, :, [0, 0, 0]]
    label_mask = np.zeros((8, 12), np.uint8)
    label_mask[:, 6:] = 1
    pack({"a": ("train", picture, label_mask), "b": make_sample("val")}, image_size=(4, 6))
    images, masks = pack.arrays("train")
    assert images[0, :, 0, 0].tolist() == [10, 50, 90, 130]  # means of two rows each
    assert masks[0, 0].tolist() == [0, 0, 0, 1, 1, 1]


def test_native_cuts_tiles_pads_and_drops_void_ones(pack):
    _, picture, label_mask = make_sample("train", size=(10, 24))
    label_mask[:, :16] = 255  # of the two tiles, columns 0-15 and 8-23, the left one is void
    small = make_sample("train", size=(7, 5), seed=5)
    rows = pack({"a": ("train", picture, label_mask), "b": small, "c": make_sample("val")}, policy="native")["train"]
    assert rows[["parent", "top", "left"]].values.tolist() == [["a", 0, 8], ["b", 0, 0]]
    images, masks = pack.arrays("train")
    np.testing.assert_array_equal(images[0, :10], picture[:, 8:])
    np.testing.assert_array_equal(images[0, 10:], picture[8:2:-1, 8:])  # mirrored at the last row
    assert (masks[0, 10:] == 255).all()
    np.testing.assert_array_equal(images[1, :7, :5], small[1])
    np.testing.assert_array_equal(masks[1, :7, :5], small[2])
    assert (masks[1, 7:] == 255).all()
    assert (masks[1, :, 5:] == 255).all()


def test_native_scales_before_it_cuts(pack):
    picture = np.full((40, 64, 3), 100, np.uint8)
    label_mask = np.repeat(np.repeat(np.arange(4, dtype=np.uint8) % 2, 16)[None], 40, axis=0)
    rows = pack({"a": ("train", picture, label_mask), "b": make_sample("val")}, policy="native", factor=0.5)["train"]
    assert rows[["top", "left"]].values.tolist() == [[0, 0], [0, 16], [4, 0], [4, 16]]  # 20 x 32 after scaling
    images, masks = pack.arrays("train")
    assert (images == 100).all()
    assert masks[0, 0].tolist() == [0] * 8 + [1] * 8


def test_copies_follow_their_original_and_come_from_the_seed(pack):
    samples = {"a": make_sample("train", seed=1), "b": make_sample("train", seed=2), "c": make_sample("val")}
    rows = pack(samples, copies=2, seed=9)
    assert rows["train"][["parent", "copy"]].values.tolist() == [["a", 0], ["a", 1], ["a", 2], ["b", 0], ["b", 1], ["b", 2]]
    assert rows["train"]["id"].is_unique
    assert len(rows["val"]) == 1
    images, masks = pack.arrays("train")
    picture, label_mask = augment_sample(build_transform(FLIPS, image_size=(16, 16), channels=3), *samples["b"][1:], (9, 2, 1))
    np.testing.assert_array_equal(images[5], picture)
    np.testing.assert_array_equal(masks[5], label_mask)


def test_total_counts_the_originals(pack):
    rows = pack({"a": make_sample("train"), "b": make_sample("train", seed=2), "c": make_sample("val")}, total=5)["train"]
    assert len(rows) == len(pack.arrays("train")[0]) == 5
    assert rows["parent"].value_counts().to_dict() == {"a": 2, "b": 3}


@pytest.mark.parametrize("policy", ["fit", "native"])
def test_the_bytes_do_not_depend_on_the_workers(pack, policy, monkeypatch):
    monkeypatch.setattr("maskmill.data.packing.PICTURES_A_PROCESS", 1)
    monkeypatch.setattr("maskmill.data.packing.ROWS_A_TASK", 4)
    samples = {f"s{number}": make_sample("train", size=(20, 30), seed=number) for number in range(5)}
    pack({**samples, "v": make_sample("val")}, policy=policy, copies=2, workers=Workers(jobs=1))
    one = read_bytes(pack.folder)
    for workers in (Workers(jobs=2), Workers("threading", jobs=3)):
        pack(None, policy=policy, copies=2, workers=workers)
        assert read_bytes(pack.folder) == one
    assert len(one) == 6


def test_grey_pictures_stay_grey_among_themselves_and_become_three_channels_beside_colour(pack):
    grey = make_sample("train", channels=1)
    pack({"a": grey, "b": make_sample("val", channels=1)})
    assert pack.arrays("train")[0].shape == (1, 16, 16, 1)


def test_grey_among_colour_is_repeated(pack):
    grey = make_sample("train", channels=1)
    pack({"a": grey, "b": make_sample("val", channels=3)})
    np.testing.assert_array_equal(pack.arrays("train")[0][0], np.repeat(grey[1], 3, axis=2))


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_pictures_of_any_band_count(pack, channels):
    samples = {"a": make_sample("train", size=(10, 24), channels=channels), "b": make_sample("val", channels=channels)}
    pack(samples, policy="native")
    images, _ = pack.arrays("train")
    assert images.shape == (2, 16, 16, channels)
    np.testing.assert_array_equal(images[1, :10], samples["a"][1][:, 8:])
    np.testing.assert_array_equal(images[1, 10:], samples["a"][1][8:2:-1, 8:])
    pack(None, policy="fit", copies=2)
    assert pack.arrays("train")[0].shape == (3, 16, 16, channels)


def test_grey_is_not_repeated_beside_five_bands(pack):
    with pytest.raises(DataError, match=r"a\.png has 1 channels(.|\n)*expected: 5"):
        pack({"a": make_sample("train", channels=1), "b": make_sample("val", channels=5)})


BITS = np.array([0, 1, 0b101, 1 << 14, 0x8000, 0x8003], np.uint16)


def test_bit_masks_stay_bit_masks(pack):
    generator = np.random.default_rng(0)
    _, picture, _ = make_sample("train", size=(10, 24))
    bits = generator.choice(BITS, (10, 24))
    bits[:, :8] = 0x8002  # void, whatever else it says
    bits[:, 8:16] = 0  # of no class, which is not void
    pack({"a": ("train", picture, bits), "b": ("val", picture, bits)}, policy="native")
    _, masks = pack.arrays("train")
    assert masks.dtype == np.uint16
    np.testing.assert_array_equal(masks[0, :10], bits[:, :16])
    np.testing.assert_array_equal(masks[1, :10], bits[:, 8:])
    assert (masks[:, 10:] == 0x8000).all()


def test_tiles_of_void_bits_alone_are_dropped(pack):
    _, picture, _ = make_sample("train", size=(10, 24))
    bits = np.full((10, 24), 0x8001, np.uint16)
    bits[0, 20] = 0
    rows = pack({"a": ("train", picture, bits), "b": ("val", picture, bits)}, policy="native")
    assert rows["train"][["top", "left"]].values.tolist() == [[0, 8]]


def test_copies_of_bit_masks_have_a_void_border(pack):
    _, picture, _ = make_sample("train")
    bits = np.full((16, 16), 0b11, np.uint16)
    pack(
        {"a": ("train", picture, bits), "b": ("val", picture, bits)},
        copies=1,
        transforms=[{"name": "Rotate", "limit": [45, 45], "p": 1}],
    )
    _, masks = pack.arrays("train")
    assert set(np.unique(masks[1]).tolist()) == {0b11, 0x8000}


def test_masks_of_two_kinds_are_refused(pack):
    sample = make_sample("train")
    with pytest.raises(DataError, match=r"b\.png is uint16(.|\n)*expected: uint8"):
        pack({"a": sample, "b": (*sample[:2], sample[2].astype(np.uint16)), "c": make_sample("val")})


def test_a_part_without_labels_is_refused_and_the_earlier_arrays_stay(pack, tmp_path):
    pack({"a": make_sample("train"), "b": make_sample("val")})
    before = read_bytes(pack.folder)
    table = pd.read_csv(tmp_path / "build" / "encoded" / "samples.csv")
    with pytest.raises(DataError, match=r"val part .* no labelled pixel"):
        pack_arrays(table[table["split"] == "train"], tmp_path / "build" / "encoded", pack.folder, **SETTINGS)
    assert read_bytes(pack.folder) == before
    assert [path.name for path in pack.folder.parent.iterdir() if "partial" in path.name] == []


def test_a_total_below_the_originals_is_refused():
    with pytest.raises(ParamsError, match="total is 3, but there already are 4"):
        count_copies(4, copies=0, total=3)


def test_a_copy_of_what_is_in_another_part_too_is_refused_and_nothing_is_left(pack, tmp_path):
    pack({"a": make_sample("train"), "b": make_sample("val"), "c": make_sample("test")}, copies=1)
    before = read_bytes(pack.folder)
    table = pd.read_csv(tmp_path / "build" / "encoded" / "samples.csv")
    table = pd.concat([table, table[table["id"] == "a"].assign(split="test")])
    with pytest.raises(DataError, match=r"a\+y0\+x0\+copy1 is an augmented copy of a, which is in train, test"):
        pack_arrays(table, tmp_path / "build" / "encoded", pack.folder, **SETTINGS | {"copies": 1})
    assert read_bytes(pack.folder) == before
    pack_arrays(table, tmp_path / "build" / "encoded", pack.folder, **SETTINGS)  # no copy, nothing to refuse


@pytest.mark.parametrize(("parent", "found"), [("b", "val"), ("c", "test"), ("d", "no part")])
def test_copies_of_what_is_not_for_training_are_refused(parent, found):
    samples = pd.DataFrame({"id": ["a", "b", "c"], "split": ["train", "val", "test"]})
    rows = pd.DataFrame({"id": ["a", "a+1", f"{parent}+1"], "parent": ["a", "a", parent], "copy": [0, 1, 1]})
    with pytest.raises(DataError, match=rf"{parent}\+1 is an augmented copy of {parent}, which is in {found}"):
        refuse_strange_parents(rows, samples)
    refuse_strange_parents(rows[:2], samples)
    refuse_strange_parents(rows.assign(copy=0), samples)


@given(st.integers(1, 400), st.integers(0, 2000))
def test_copies_are_spread_evenly(originals, more):
    copies = count_copies(originals, copies=0, total=originals + more)
    assert sum(copies) + originals == originals + more
    assert max(copies) - min(copies) <= 1


def test_few_pictures_are_not_worth_a_process():
    assert _as_many_as_pay(Workers(jobs=4), 1999).jobs == 1
    assert _as_many_as_pay(Workers(jobs=4), 2000).jobs == 2
    assert _as_many_as_pay(Workers(jobs=1), 9000).jobs == 1


def test_three_hundred_from_sixteen():
    assert sorted(set(count_copies(16, copies=0, total=300))) == [17, 18]


@given(st.integers(1, 5000), st.integers(16, 600))
def test_tiles_cover_every_pixel_with_the_fewest_and_least_overlap(length, tile):
    starts = tile_starts(length, tile)
    covered = np.zeros(max(length, tile), bool)
    for start in starts:
        covered[start : start + tile] = True
    assert covered[:length].all()
    assert len(starts) == max(1, -(-length // tile))
    assert starts[0] == 0
    assert starts[-1] == max(0, length - tile)
    steps = np.diff(starts)
    assert not steps.size or steps.max() - steps.min() <= 1
