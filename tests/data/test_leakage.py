import numpy as np
import pandas as pd
import pytest
from painting import paint, save_again
from PIL import Image

from maskmill.data.leakage import find_examples, find_groups, find_pairs, name_samples, read_thumbnails
from maskmill.data.leakage_report import PANEL, SideBySide, draw_side_by_side, write_leakage
from maskmill.data.thumbnails import make_thumbnail
from maskmill.errors import DataError
from maskmill.pictures import encode_picture

BLACK = np.zeros((90, 140, 3), np.uint8)


def describe(samples):
    """The statistics and the thumbnails of samples: id to part, group and picture."""
    rows = [
        (name, f"raw/{name}.jpg", part, group, f"{hash(picture.tobytes()):x}") for name, (part, group, picture) in samples.items()
    ]
    statistics = pd.DataFrame(rows, columns=["id", "source_image", "split", "group", "image_hash"])
    return statistics, np.stack([make_thumbnail(picture) for _, _, picture in samples.values()])


def pairs_of(samples):
    pairs = find_pairs(*describe(samples), near_duplicate=10)
    return [tuple(row) for row in pairs[["kind", "symmetry", "first_id", "second_id", "first_part", "second_part"]].to_numpy()]


def test_the_same_and_nearly_the_same_pictures_of_two_parts_are_paired():
    samples = {
        "a": ("train", "a", paint(0)),
        "b": ("val", "b", paint(0)),
        "c": ("test", "c", np.fliplr(paint(0))),
        "d": ("val", "d", paint(1)),
        "e": ("train", "e", save_again(np.rot90(paint(1)), 50)),
        "f": ("test", "f", paint(2)),
    }
    assert pairs_of(samples) == [
        ("duplicate", "as it is", "a", "b", "train", "val"),
        ("near-duplicate", "mirrored", "a", "c", "train", "test"),
        ("near-duplicate", "mirrored", "b", "c", "val", "test"),
        ("near-duplicate", "turned right", "e", "d", "train", "val"),
    ]


def test_pictures_twice_in_one_part_are_no_leak():
    samples = {"a": ("train", "a", paint(0)), "b": ("train", "b", paint(0)), "c": ("val", "c", paint(1))}
    assert pairs_of(samples) == []


def test_plain_pictures_are_reported_only_where_they_are_the_same():
    nearly_black = BLACK.copy()
    nearly_black[::9, ::7] = 2
    samples = {"a": ("train", "a", BLACK), "b": ("val", "b", nearly_black), "c": ("test", "c", BLACK)}
    assert pairs_of(samples) == [("duplicate", "as it is", "a", "c", "train", "test")]


def test_of_many_copies_every_later_one_is_paired_with_a_few():
    samples = {f"train{number}": ("train", "a", BLACK) for number in range(30)}
    samples |= {f"test{number}": ("test", "b", BLACK) for number in range(5)}
    pairs = find_pairs(*describe(samples), near_duplicate=10)
    assert pairs["second_id"].value_counts().to_dict() == {f"test{number}": 16 for number in range(5)}


@pytest.mark.parametrize("parts", [["train"], ["train", "train"], ["test", "test"]])
def test_one_part_alone_has_no_leaks(parts):
    samples = {f"s{number}": (part, "one", paint(0)) for number, part in enumerate(parts)}
    statistics, thumbnails = describe(samples)
    assert find_pairs(statistics, thumbnails, near_duplicate=10).empty
    assert find_groups(statistics).empty


def test_groups_in_several_parts_are_counted():
    rows = [("north", "train"), ("north", "val"), ("north", "train"), ("south", "test"), ("south", "test"), ("Süd", "test")]
    rows += [("Süd", "val"), (None, "train"), (None, "val")]
    groups = find_groups(pd.DataFrame(rows, columns=["group", "split"]))
    assert groups.to_dict("records") == [
        {"group": "Süd", "train": 0, "val": 1, "test": 1},
        {"group": "north", "train": 2, "val": 1, "test": 0},
    ]


def test_examples_of_a_group_are_its_most_alike_pictures():
    samples = {
        "a": ("train", "street", paint(0)),
        "b": ("train", "street", paint(1)),
        "c": ("val", "street", paint(2)),
        "d": ("val", "street", save_again(paint(1), 60)),
        "e": ("val", "elsewhere", paint(0)),
        "f": ("test", "street", paint(3)),
    }
    examples = find_examples(*describe(samples), "street")
    assert examples[["first_part", "second_part"]].to_numpy().tolist() == [["train", "val"], ["train", "test"], ["val", "test"]]
    assert examples.loc[0, ["first_id", "second_id"]].tolist() == ["b", "d"]


def test_names_are_files_below_the_folder_of_all_or_ids_where_files_are_shared():
    files = ["/far/away/set/train/a.jpg", "/far/away/set/val/a.jpg", "/far/away/set/b.tif|/far/away/set/b_nir.tif"]
    statistics = pd.DataFrame({"id": ["one", "two", "three"], "source_image": files}, index=[7, 8, 9])
    assert name_samples(statistics) == {"one": "train/a.jpg", "two": "val/a.jpg", "three": "b.tif"}
    statistics["source_image"] = ["scene.tif", "scene.tif", None]
    assert name_samples(statistics) == {"one": "one", "two": "two", "three": "three"}


def test_thumbnails_that_are_absent_or_of_other_samples_are_refused(tmp_path):
    path = tmp_path / "thumbnails.npy"
    with pytest.raises(DataError, match="does not exist") as refusal:
        read_thumbnails(path, 3)
    assert refusal.value.fix == "dvc repro --force encode"
    np.save(path, np.zeros((2, 32, 32), np.uint8))
    with pytest.raises(DataError, match="holds uint8"):
        read_thumbnails(path, 3)
    assert read_thumbnails(path, 2).shape == (2, 32, 32)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataError, match="cannot be read"):
        read_thumbnails(path, 2)


@pytest.fixture
def write_report(tmp_path):
    """Encode samples as far as the report needs it, and write it."""

    def write(samples):
        statistics, thumbnails = describe(samples)
        encoded = tmp_path / "encoded"
        (encoded / "images").mkdir(parents=True, exist_ok=True)
        rows = []
        for name, (_, _, picture) in samples.items():
            image = f"images/{name}.{'png' if picture.shape[2] == 3 else 'tif'}"
            (encoded / image).write_bytes(encode_picture(picture))
            rows.append((name, image))
        pd.DataFrame(rows, columns=["id", "image"]).to_csv(encoded / "samples.csv", index=False)
        pairs = find_pairs(statistics, thumbnails, near_duplicate=10)
        folder = tmp_path / "leakage"
        write_leakage(pairs, find_groups(statistics), statistics, thumbnails, encoded_dir=encoded, leakage_dir=folder)
        return folder

    return write


def test_the_report_has_tables_and_sheets_and_replaces_the_last_one(write_report):
    samples = {f"übung {number}": ("train", "north", paint(number)) for number in range(26)}
    samples |= {f"copy {number}": ("val", f"g{number}", save_again(paint(number), 80)) for number in range(26)}
    samples["more"] = ("test", "north", paint(90))
    folder = write_report(samples)
    assert sorted(path.name for path in folder.iterdir()) == [
        "groups.csv", "groups.png", "pairs.csv", "pairs_1.png", "pairs_2.png", "pairs_3.png", "pairs_4.png"
    ]  # fmt: skip
    pairs = pd.read_csv(folder / "pairs.csv")
    assert len(pairs) == 26
    assert pairs.loc[pairs["second_id"] == "copy 3", "first_id"].tolist() == ["übung 3"]
    assert pairs["distance"].is_monotonic_increasing
    assert pd.read_csv(folder / "groups.csv").to_dict("records") == [{"group": "north", "train": 26, "val": 0, "test": 1}]
    folder = write_report({"a": ("train", "a", paint(0)), "b": ("val", "b", paint(1))})
    assert sorted(path.name for path in folder.iterdir()) == ["groups.csv", "pairs.csv"]


def test_pictures_of_any_bands_are_drawn(write_report):
    grey = paint(0).mean(axis=2, keepdims=True).astype(np.uint8)
    five = np.concatenate([paint(1), paint(1)[..., :2]], axis=2)
    samples = {f"{number}": (part, part, picture) for number, (part, picture) in enumerate([("train", grey), ("val", grey)])}
    samples |= {"five": ("train", "f", five), "fünf": ("test", "f", np.flipud(five).copy())}
    folder = write_report(samples)
    assert (folder / "pairs_1.png").exists()
    assert (folder / "groups.png").exists()


def test_the_two_pictures_lie_side_by_side_below_their_names(tmp_path):
    left, right = paint(0, 300, PANEL), paint(1, PANEL, 200)
    for name, picture in (("left", left), ("right", right)):
        (tmp_path / f"{name}.png").write_bytes(encode_picture(picture))
    row = SideBySide(
        "near-duplicate, mirrored",
        "3 of 64 bits differ",
        ("train", "a", tmp_path / "left.png"),
        ("val", "b" * 200, tmp_path / "right.png"),
    )
    draw_side_by_side([row, row], tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    row_height = 52 + 30 + PANEL
    assert sheet.shape == (28 + 2 * row_height, 28 + PANEL + 16 + PANEL + 28, 3)
    for top in (82, 82 + row_height):
        assert np.array_equal(sheet[top : top + 300, 28 : 28 + PANEL], left)
        assert np.array_equal(sheet[top : top + PANEL, 44 + PANEL : 44 + PANEL + 200], right)
        assert (sheet[top - 30 : top, 28 : 28 + PANEL].min(axis=(1, 2)) < 100).any()  # its name
        assert (sheet[:, -26:] == 255).all()  # long names end in time
