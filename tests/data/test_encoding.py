import hashlib
import shutil
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor
from PIL import Image

from maskmill.data.encoding import build_class_summary, describe_matches, describe_shared, describe_worst, encode_samples
from maskmill.data.thumbnails import make_thumbnail
from maskmill.errors import DataError, ParamsError
from maskmill.labels import build_class_table, read_class_table
from maskmill.parallel import Workers
from maskmill.pictures import read_label_mask, read_picture
from maskmill.sources.manifest import COLUMNS
from maskmill.sources.settings import Reading

SKY, ROAD, TREE = (10, 20, 200), (100, 100, 100), (0, 150, 0)
TABLE = build_class_table(
    [
        {"name": "sky", "id": 0, "colours": [SKY], "source_ids": [1]},
        {"name": "road", "id": 1, "colours": [ROAD], "source_ids": [2]},
        {"name": "none", "void": True, "colours": [(0, 0, 0)], "source_ids": [0]},
    ]
)
PICTURE = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3) * 10
MASK = np.array([[SKY, SKY, ROAD, ROAD], [(0, 0, 0), (13, 24, 200), (255, 255, 255), ROAD]], np.uint8)
# exact 6 of 8; (13, 24, 200) is 5 from SKY; white matches nothing and is nearest to ROAD
LABELS = np.array([[0, 0, 1, 1], [255, 0, 1, 1]], np.uint8)


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A function that writes picture-mask pairs below tmp_path/source and returns their manifest."""
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "source"
    source.mkdir()

    def build(**pairs):
        rows = []
        for number, (name, files) in enumerate(pairs.items()):
            paths = []
            for kind, (suffix, content) in zip(("image", "mask"), files, strict=True):
                path = source / f"{name}_{kind}{suffix}"
                if isinstance(content, bytes):
                    path.write_bytes(content)
                elif content is not None:
                    picture = content if isinstance(content, Image.Image) else Image.fromarray(content)
                    picture.save(path, exif=picture.getexif()) if suffix != ".bmp" else picture.save(path)
                paths.append(path.relative_to(tmp_path).as_posix())
            rows.append((name, *paths, "", ("train", "val", "test")[number % 3], f"group{number}", "-"))
        return pd.DataFrame(rows, columns=COLUMNS)

    return build


def encode(manifest, folder, **changes):
    settings = {
        "form": "folders",
        "reading": Reading(max_pixels=10_000),
        "class_table": TABLE,
        "labels": "exclusive",
        "tolerance": 5.0,
        "unmatched": "nearest",
        "mask_size": "error",
        "assign": lambda manifest, _: manifest,
        "workers": Workers(jobs=1),
    }
    return encode_samples(manifest, encoded_dir=folder, progress_dir=folder.parent / "progress", **(settings | changes))


def read_all_files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def turn(orientation, array=PICTURE):
    picture = Image.fromarray(array)
    picture.getexif()[0x0112] = orientation
    return picture


def test_one_sample_by_hand(build, tmp_path):
    manifest = build(a=((".png", PICTURE), (".png", MASK)))
    statistics = encode(manifest, tmp_path / "encoded")

    np.testing.assert_array_equal(read_label_mask(tmp_path / "encoded/masks/a.png"), LABELS)
    with Image.open(tmp_path / "encoded/masks/a.png") as mask:  # shown in the classes' colours
        np.testing.assert_array_equal(np.asarray(mask.convert("RGB")), TABLE.palette[LABELS])
    samples = pd.read_csv(tmp_path / "encoded/samples.csv")
    assert samples.to_dict("records") == [
        {
            "id": "a",
            "image": "images/a.png",
            "mask": "masks/a.png",
            "split": "train",
            "group": "group0",
            "height": 2,
            "width": 4,
            "channels": 3,
        }
    ]
    expected = {
        "id": "a",
        "source_image": "source/a_image.png",
        "source_mask": "source/a_mask.png",
        "split": "train",
        "group": "group0",
        "image_height": 2,
        "image_width": 4,
        "mask_height": 2,
        "mask_width": 4,
        "channels": 3,
        "image_hash": hashlib.sha256(b"(2, 4, 3)" + PICTURE.tobytes()).hexdigest(),
        "exact": 0.75,
        "tolerated": 0.125,
        "unmatched": 0.125,
        "void": 0.125,
        "pixels_sky": 3,
        "pixels_road": 4,
    }
    written = pd.read_csv(tmp_path / "encoded/statistics.csv")
    assert list(written.columns) == list(expected)
    assert written.to_dict("records") == [expected]
    pd.testing.assert_frame_equal(written, statistics, check_dtype=False)
    assert read_class_table(tmp_path / "encoded/classes.csv").names == ("sky", "road")
    np.testing.assert_array_equal(np.load(tmp_path / "encoded/thumbnails.npy"), [make_thumbnail(PICTURE)])


def test_unmatched_pixels_become_void_or_an_error(build, tmp_path):
    manifest = build(a=((".png", PICTURE), (".png", MASK)))
    statistics = encode(manifest, tmp_path / "encoded", unmatched="void")
    np.testing.assert_array_equal(read_label_mask(tmp_path / "encoded/masks/a.png"), [[0, 0, 1, 1], [255, 0, 255, 1]])
    assert statistics.loc[0, ["unmatched", "void", "pixels_road"]].tolist() == [0.125, 0.25, 3]
    with pytest.raises(DataError, match=r"a_mask\.png has unknown colours in 1 of 8 pixels, most often \[255, 255, 255\] \(1\)"):
        encode(manifest, tmp_path / "strict", unmatched="error")
    assert encode(manifest, tmp_path / "strict", unmatched="error", tolerance=400.0).loc[0, "unmatched"] == 0


def test_files_are_copied_where_their_bytes_can_stay(build, tmp_path):
    manifest = build(
        jpeg=((".JPG", PICTURE), (".png", MASK)),
        grey=((".png", PICTURE[..., 0]), (".png", MASK)),
        bmp=((".bmp", PICTURE), (".png", MASK)),
    )
    encode(manifest, tmp_path / "encoded")
    for name, suffix in (("jpeg", ".JPG"), ("grey", ".png"), ("bmp", ".bmp")):
        source, copy = tmp_path / f"source/{name}_image{suffix}", tmp_path / f"encoded/images/{name}{suffix.lower()}"
        assert copy.read_bytes() == source.read_bytes()
        assert not copy.is_symlink()
        assert copy.stat().st_ino != source.stat().st_ino
    samples = pd.read_csv(tmp_path / "encoded/samples.csv").set_index("id")
    assert samples["channels"].to_dict() == {"bmp": 3, "grey": 1, "jpeg": 3}
    assert list(samples.index) == ["bmp", "grey", "jpeg"]


def test_other_pictures_become_upright_8_bit_png(build, tmp_path):
    deep = (PICTURE[..., 0].astype(np.uint16) << 8) + 77
    alpha = np.dstack([PICTURE, np.full((2, 4), 9, np.uint8)])
    cmyk = Image.fromarray(PICTURE).convert("CMYK")
    upright_mask = np.rot90(MASK, -1).copy()
    manifest = build(
        deep=((".png", deep), (".png", MASK)),
        alpha=((".png", alpha), (".png", MASK)),
        cmyk=((".jpg", cmyk), (".png", MASK)),
        turned=((".png", turn(6)), (".png", upright_mask)),
    )
    encode(manifest, tmp_path / "encoded")
    pictures = {name: read_picture(tmp_path / f"encoded/images/{name}.png") for name in manifest["id"]}
    np.testing.assert_array_equal(pictures["deep"], PICTURE[..., :1])
    np.testing.assert_array_equal(pictures["alpha"], PICTURE)
    np.testing.assert_array_equal(pictures["turned"], np.rot90(PICTURE, -1))
    with Image.open(tmp_path / "source/cmyk_image.jpg") as picture:
        np.testing.assert_array_equal(pictures["cmyk"], np.asarray(picture.convert("RGB")))
    np.testing.assert_array_equal(read_label_mask(tmp_path / "encoded/masks/turned.png"), np.rot90(LABELS, -1))


def test_composites_are_cut(build, tmp_path):
    manifest = build(a=((".png", np.hstack([PICTURE, MASK])), (".png", None)))
    manifest["mask"] = manifest["image"]
    encode(manifest, tmp_path / "encoded", form="composite")
    np.testing.assert_array_equal(read_picture(tmp_path / "encoded/images/a.png"), PICTURE)
    np.testing.assert_array_equal(read_label_mask(tmp_path / "encoded/masks/a.png"), LABELS)


def test_masks_of_ids(build, tmp_path):
    ids = np.array([[1, 1, 2, 2], [0, 1, 2, 2]], np.uint8)
    manifest = build(a=((".png", PICTURE), (".png", ids)))
    statistics = encode(manifest, tmp_path / "encoded", form="index")
    np.testing.assert_array_equal(read_label_mask(tmp_path / "encoded/masks/a.png"), LABELS)
    assert statistics.loc[0, ["exact", "tolerated", "unmatched", "void"]].tolist() == [1.0, 0.0, 0.0, 0.125]


def test_unknown_ids_have_no_nearest_class(build, tmp_path):
    manifest = build(a=((".png", PICTURE), (".png", np.array([[1, 1, 2, 2], [0, 9, 9, 5]], np.uint8))))
    for unmatched in ("nearest", "error"):
        with pytest.raises(DataError, match=r"a_mask\.png has unknown ids in 3 of 8 pixels, most often 9 \(2\), 5 \(1\)"):
            encode(manifest, tmp_path / "encoded", form="index", unmatched=unmatched)
    statistics = encode(manifest, tmp_path / "encoded", form="index", unmatched="void")
    assert statistics.loc[0, ["exact", "unmatched", "void"]].tolist() == [0.625, 0.375, 0.5]
    np.testing.assert_array_equal(read_label_mask(tmp_path / "encoded/masks/a.png"), [[0, 0, 1, 1], [255] * 4])


def write_giant():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)) + chunk(b"IEND", b"")


def test_all_bad_files_are_named_and_nothing_is_left(build, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    manifest = build(
        good=((".png", PICTURE), (".png", MASK)),
        gone=((".png", PICTURE), (".png", None)),
        cut=((".jpg", (tmp_path / "whole.jpg").read_bytes()[:900]), (".png", MASK)),
        text=((".png", b"not a picture"), (".png", MASK)),
        small=((".png", PICTURE), (".png", MASK[:, :3])),
        giant=((".png", write_giant()), (".png", MASK)),
        turned=((".png", turn(6)), (".png", MASK)),
    )
    (tmp_path / "encoded").mkdir()
    (tmp_path / "encoded/earlier").write_text("kept")
    with pytest.raises(DataError) as caught:
        encode(manifest, tmp_path / "encoded")
    message = str(caught.value)
    assert message.startswith("6 of 7 samples cannot be encoded:")
    for part in (
        "source/gone_mask.png does not exist",
        "source/cut_image.jpg cannot be decoded: ",
        "source/text_image.png is not a picture",
        "source/small_mask.png is 3 x 2 pixels, its picture source/small_image.png is 4 x 2",
        "source/giant_image.png declares 30000 x 30000 pixels",
        "source/turned_mask.png is 4 x 2 pixels, its picture source/turned_image.png is 2 x 4",
        "EXIF data turn it by a quarter",
    ):
        assert part in message
    assert message.count("EXIF") == 1
    assert message.count("; fix: ") == 6
    assert "good" not in message
    assert read_all_files(tmp_path / "encoded") == {"earlier": b"kept"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["encoded", "progress", "source", "whole.jpg"]


def test_many_bad_files_are_counted(build, tmp_path):
    manifest = build(**{f"s{number:02d}": ((".png", PICTURE), (".png", b"text")) for number in range(23)})
    with pytest.raises(DataError, match=r"23 of 23 samples(.|\n)*s00_mask(.|\n)*s19_mask(.|\n)*and 3 more"):
        encode(manifest, tmp_path / "encoded")


def test_classes_without_colours_are_an_error_of_the_settings(build, tmp_path):
    table = build_class_table([{"name": "sky", "id": 0}])
    with pytest.raises(ParamsError, match="no class has colours"):
        encode(build(a=((".png", PICTURE), (".png", MASK))), tmp_path / "encoded", class_table=table)
    assert not (tmp_path / "encoded").exists()


def test_the_number_of_processes_changes_nothing(build, tmp_path):
    get_reusable_executor().shutdown()  # joblib keeps its processes, and these would stand in an earlier test's folder
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (6, 9, 7, 3), np.uint8)
    masks = TABLE.palette[generator.integers(0, 2, (6, 9, 7))]
    pairs = {f"s{number}": ((".png", pictures[number]), (".png", masks[number])) for number in range(6)}
    manifest = build(**pairs)
    encode(manifest, tmp_path / "one")
    encode(manifest.sample(frac=1, random_state=0), tmp_path / "two", workers=Workers(jobs=2))
    files = read_all_files(tmp_path / "one")
    assert len(files) == 6 + 6 + 4
    assert read_all_files(tmp_path / "two") == files


def test_a_second_run_replaces_the_first(build, tmp_path):
    manifest = build(a=((".png", PICTURE), (".png", MASK)), b=((".png", PICTURE), (".png", MASK)))
    encode(manifest, tmp_path / "encoded")
    encode(manifest[:1], tmp_path / "encoded")
    assert not (tmp_path / "encoded/images/b.png").exists()
    shutil.rmtree(tmp_path / "source")  # nothing of it is linked
    assert read_picture(tmp_path / "encoded/images/a.png").shape == (2, 4, 3)


def test_the_split_is_settled_by_what_the_masks_hold(build, tmp_path):
    sky = np.full((2, 4, 3), SKY, np.uint8)
    manifest = build(b=((".png", PICTURE), (".png", sky)), a=((".png", PICTURE // 2), (".png", MASK)))
    asked = []

    def assign(manifest, presence):
        asked.append((manifest["id"].tolist(), presence))
        return manifest.assign(split=np.where(presence.loc[manifest["id"], "road"], "val", "test"))

    statistics = encode(manifest, tmp_path / "encoded", assign=assign)
    ((ids, presence),) = asked
    assert ids == ["a", "b"]
    assert presence.to_dict("index") == {"a": {"sky": True, "road": True}, "b": {"sky": True, "road": False}}
    assert presence.dtypes.tolist() == [bool, bool]
    assert statistics["split"].tolist() == ["val", "test"]
    assert pd.read_csv(tmp_path / "encoded/samples.csv")["split"].tolist() == ["val", "test"]
    thumbnails = np.load(tmp_path / "encoded/thumbnails.npy")
    np.testing.assert_array_equal(thumbnails, [make_thumbnail(PICTURE // 2), make_thumbnail(PICTURE)])


def test_the_summary_counts_pixels(build, tmp_path):
    half = np.full((2, 4, 3), SKY, np.uint8)
    statistics = encode(build(a=((".png", PICTURE), (".png", MASK)), b=((".png", PICTURE), (".png", half))), tmp_path / "encoded")
    table = build_class_summary(statistics, TABLE)
    cells = [list(column.cells) for column in table.columns]
    assert cells == [["sky", "road"], ["11", "4"], ["73.33", "26.67"], ["2", "1"]]
    assert describe_matches(statistics) == "2 samples, mask pixels: 87.50% exact, 6.25% tolerated, 6.25% unmatched, 6.25% void"
    assert describe_worst(statistics) == ["12.50% unmatched in source/a_mask.png"]


def test_the_summary_names_shared_colours():
    table = build_class_table(
        [{"name": "van", "id": 0, "colours": [SKY]}, {"name": "bus", "id": 1, "colours": [TREE, SKY]}, {"name": "-", "void": True}]
    )
    assert describe_shared(table) == ["colour [10, 20, 200] is claimed by van, bus: van gets it"]
    assert describe_shared(TABLE) == []
