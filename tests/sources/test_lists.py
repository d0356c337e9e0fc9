"""List files with the paths of another machine."""

import pytest

from maskmill.errors import SourceError
from maskmill.sources.forms import list_samples
from maskmill.sources.settings import Layout

FILES = ("train/0001TP_1.jpg", "train/0016E5_2.JPG", "val/0016E5_3.jpg", "trainannot/0001TP_1.png", "trainannot/0016E5_2.png")


def make(root, lists, files=(*FILES, "valannot/0016E5_3.png")):
    for path in files:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    for name, text in lists.items():
        (root / name).write_text(text, encoding="utf-8")


def listed(root, lists, images="{split}/{sequence}_{frame}.*", group="{sequence}"):
    layout = Layout(images=images, lists=lists)
    return list_samples(root, form="index", layout=layout, group=group, annotations_dir=root / "annotations")


TRAIN = (
    "/home/else/CamVid/train/0001TP_1.png /home/else/CamVid/trainannot/0001TP_1.png\n"
    "\n/x/train/0016e5_2.png  /x/trainannot/0016E5_2.PNG\n"
)
VAL = "\ufeffC:\\CamVid\\val\\0016E5_3.jpg\tC:\\CamVid\\valannot\\0016E5_3.png"
LISTS = {"train": "train.txt", "val": "val.txt"}


@pytest.mark.parametrize("top", ["", "CamVid", "outer/CamVid"])
def test_lists(top, tmp_path):
    make_below = tmp_path / top
    make_below.mkdir(parents=True, exist_ok=True)
    make(make_below, {"train.txt": TRAIN, "val.txt": VAL})
    manifest = listed(tmp_path, LISTS)
    assert manifest["id"].tolist() == ["train-0001TP-1", "train-0016E5-2", "val-0016E5-3"]
    assert manifest["split"].tolist() == ["train", "train", "val"]
    assert manifest["group"].tolist() == ["0001TP", "0016E5", "0016E5"]
    assert manifest["image"].tolist() == [(make_below / path).as_posix() for path in FILES[:3]]
    assert manifest["mask"][2] == (make_below / "valannot/0016E5_3.png").as_posix()


def test_without_a_pattern_the_path_is_the_id(tmp_path):
    make(tmp_path, {"train.txt": TRAIN, "val.txt": VAL})
    manifest = listed(tmp_path, LISTS, images=None, group=None)
    assert manifest["id"].tolist() == ["train-0001TP_1", "train-0016E5_2", "val-0016E5_3"]
    assert manifest["group"].tolist() == manifest["id"].tolist()


def test_the_list_s_part_wins_over_the_folder_s_name(tmp_path):
    make(tmp_path, {"test.txt": TRAIN})
    assert set(listed(tmp_path, {"test": "test.txt"})["split"]) == {"test"}


def test_the_longest_end_wins(tmp_path):
    make(tmp_path, {"train.txt": "/far/b/a.png /far/b/m.png"}, files=("a.png", "m.png", "b/a.jpg", "b/m.png", "c/x.txt"))
    manifest = listed(tmp_path, {"train": "train.txt"}, images=None, group=None)
    assert manifest["image"].tolist() == [f"{tmp_path}/b/a.jpg"]
    assert manifest["mask"].tolist() == [f"{tmp_path}/b/m.png"]


def test_the_named_suffix_wins(tmp_path):
    make(tmp_path, {"train.txt": "/far/s/a.jpg /far/s/a.png"}, files=("s/a.jpg", "s/a.png"))
    manifest = listed(tmp_path, {"train": "train.txt"}, images=None, group=None)
    assert (manifest["image"][0], manifest["mask"][0]) == (f"{tmp_path}/s/a.jpg", f"{tmp_path}/s/a.png")


def test_paths_with_spaces(tmp_path):
    make(tmp_path, {"train.txt": "/my set/p 1.png /my set/m 1.png"}, files=("p 1.jpg", "m 1.png"))
    manifest = listed(tmp_path, {"train": "train.txt"}, images=None, group=None)
    assert manifest["id"].tolist() == ["p_1"]
    assert manifest["mask"].tolist() == [f"{tmp_path}/m 1.png"]


def test_everything_that_is_wrong_is_named_at_once(tmp_path):
    text = TRAIN + "/x/train/gone_1.png /x/trainannot/gone_1.png\n/x/train/0001TP_1.png\n/x/odd.png /x/trainannot/0001TP_1.png\n"
    make(tmp_path, {"train.txt": text, "val.txt": "/x/train/0001TP_1.png /x/trainannot/0001TP_1.png"}, files=(*FILES, "odd.jpg"))
    with pytest.raises(SourceError) as error:
        listed(tmp_path, LISTS)
    message = str(error.value)
    assert "4 lines" in message
    assert "train.txt:4: no file for /x/train/gone_1.png and /x/trainannot/gone_1.png" in message
    assert "train.txt:5: '/x/train/0001TP_1.png' is one path" in message
    assert "train.txt:6: odd.jpg does not fit source.images" in message
    assert "val.txt:1: train/0001TP_1.jpg was named before, in train.txt:1" in message


def test_absent_list(tmp_path):
    make(tmp_path, {"train.txt": TRAIN})
    with pytest.raises(SourceError, match=r"no list val\.txt below"):
        listed(tmp_path, LISTS)


def test_list_that_is_no_text(tmp_path):
    make(tmp_path, {})
    (tmp_path / "train.txt").write_bytes(b"\x89PNG\xff")
    with pytest.raises(SourceError, match=r"train\.txt is no text file"):
        listed(tmp_path, {"train": "train.txt"})


def test_empty_list(tmp_path):
    make(tmp_path, {"train.txt": "\n"})
    with pytest.raises(SourceError, match="are empty"):
        listed(tmp_path, {"train": "train.txt"})
