"""Small archives laid out as published sets, and read back by the presets of these."""

import importlib
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from painting import paint
from PIL import Image

from maskmill.errors import DataError, SourceError
from maskmill.params import load_params
from maskmill.presets import write_params
from maskmill.sources.forms import list_samples
from maskmill.sources.settings import Layout

ROOT = Path(__file__).parents[1]
PETS = ("Bengal_2", "Bengal_11", "beagle_1", "beagle_2", "Siamese_3", "pug_7")
LISTS = {
    "trainval": ["Bengal_11 2 1 1", "Siamese_3 4 1 2", "beagle_1 1 2 1", "pug_7 3 2 2"],
    "test": ["Bengal_2 2 1 1", "beagle_2 1 2 1"],
}


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("published_layouts")


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    """Write an archive of masks by file name, and a JPEG of the same size for each."""

    def write(masks: dict[str, NDArray], ending: str) -> Path:
        root = tmp_path / "set"
        for name in ("images", "masks"):
            (root / name).mkdir(parents=True)
        for number, (name, mask) in enumerate(masks.items()):
            Image.fromarray(paint(number, *mask.shape)).save(root / f"images/{name}.jpg")
            Image.fromarray(mask).save(root / f"masks/{name}{ending}")
        with tarfile.open(tmp_path / "set.tar", "w") as archive:
            archive.add(root, "set")
        return tmp_path / "set.tar"

    return write


def draw_pet(name: str) -> NDArray[np.uint8]:
    """Return ids 12 x 20: the pet with a border around it."""
    ids = np.zeros((12, 20), np.uint8)
    ids[2:10, 4:16] = 255
    ids[4:8, 6:14] = 1 if name[0].isupper() else 2
    return ids


def list_as_preset(name: str, folder: Path, tmp_path: Path):
    """Return the manifest that a preset makes of a folder."""
    write_params(name, source=str(folder), target=tmp_path / "params.yaml", folder=ROOT / "presets")
    source = load_params(tmp_path / "params.yaml").source
    layout = Layout(images=source.images, masks=source.masks, missing=source.missing, lists=source.lists)
    return list_samples(folder, form=source.form, layout=layout, group=source.group, annotations_dir=tmp_path / "annotations")


def test_pets_are_laid_out_as_the_whole_set_is(layouts: ModuleType, pack: Callable, tmp_path: Path) -> None:
    archive, folder = pack({name: draw_pet(name) for name in PETS}, ".png"), tmp_path / "pets"
    assert layouts.lay_out(archive, folder) == f"{folder}: 6 pictures, laid out as Oxford-IIIT Pet"
    for name in PETS:
        assert (folder / f"images/{name}.jpg").read_bytes() == (tmp_path / f"set/images/{name}.jpg").read_bytes()
        with Image.open(folder / f"annotations/trimaps/{name}.png") as trimap:
            assert (trimap.mode, trimap.size) == ("L", (20, 12))
            values = np.asarray(trimap)
        assert (values[0, 0], values[2, 4], values[4, 6]) == (2, 3, 1)
        assert [int((values == value).sum()) for value in (1, 2, 3)] == [4 * 8, 12 * 20 - 8 * 12, 8 * 12 - 4 * 8]
    for name, lines in LISTS.items():  # half of the cats and half of the dogs in each
        assert sorted((folder / f"annotations/{name}.txt").read_text().splitlines()) == sorted(lines)


def test_classes_and_breeds_are_numbered_by_name_whatever_the_letters(layouts: ModuleType) -> None:
    lines = layouts.write_lines({"Bengal_2": 1, "beagle_1": 2, "Abyssinian_7": 1})
    assert lines == {"Bengal_2": "Bengal_2 3 1 2", "beagle_1": "beagle_1 2 2 1", "Abyssinian_7": "Abyssinian_7 1 1 1"}


@pytest.mark.parametrize("preset", ["oxford_pets", "oxford_pets_xception", "oxford_pets_segnet", "oxford_pets_dynamic"])
def test_presets_of_the_pets_read_them(layouts: ModuleType, pack: Callable, tmp_path: Path, preset: str) -> None:
    layouts.lay_out(pack({name: draw_pet(name) for name in PETS}, ".png"), tmp_path / "pets")
    manifest = list_as_preset(preset, tmp_path / "pets", tmp_path)
    assert dict(zip(manifest["id"], manifest["split"], strict=True)) == {
        line.split()[0]: part for part, lines in (("train", LISTS["trainval"]), ("test", LISTS["test"])) for line in lines
    }


def test_gravel_is_laid_out_as_stones_and_read_as_such(layouts: ModuleType, pack: Callable, tmp_path: Path) -> None:
    grains = np.zeros((40, 64), np.int32)
    grains[4:20, 6:30], grains[22:38, 34:60] = 3, 190
    archive, folder = pack({"2_b": grains, "1_a": np.flipud(grains).copy()}, "_mask.tif"), tmp_path / "stones"
    assert layouts.lay_out(archive, folder) == f"{folder}: 2 pictures, laid out as photos of stones"
    assert sorted(path.name for path in folder.iterdir()) == [
        "Image01.jpg",
        "Image01_label.jpg",
        "Image02.jpg",
        "Image02_label.jpg",
    ]
    assert (folder / "Image01.jpg").read_bytes() == (tmp_path / "set/images/1_a.jpg").read_bytes()
    with Image.open(folder / "Image02_label.jpg") as label:
        assert (label.format, label.mode, label.size) == ("JPEG", "L", (64, 40))
        np.testing.assert_array_equal(np.asarray(label) > 127, grains > 0)
    assert list_as_preset("stones", folder, tmp_path)["id"].tolist() == ["Image01", "Image02"]


def test_other_archives_are_refused_and_nothing_is_left(layouts: ModuleType, pack: Callable, tmp_path: Path) -> None:
    archive = pack({"a": draw_pet("a")}, ".bmp")
    with pytest.raises(SourceError, match=r"holds neither pets nor grains:\n  - set/images/a\.jpg\n  - set/masks/a\.bmp"):
        layouts.lay_out(archive, tmp_path / "made")
    with pytest.raises(SourceError, match="is no file"):
        layouts.lay_out(tmp_path / "absent.tar", tmp_path / "made")
    assert not list(tmp_path.glob("*made*"))


@pytest.mark.parametrize("value", [2, 7])
def test_a_mask_of_another_species_or_value_is_refused(layouts: ModuleType, pack: Callable, tmp_path: Path, value: int) -> None:
    ids = draw_pet("Bengal_1")
    ids[0, 0] = value
    with pytest.raises(DataError, match=rf"Bengal_1\.png has the values \[0, 1, {value}, 255\], and its name is that of a cat"):
        layouts.lay_out(pack({"Bengal_1": ids}, ".png"), tmp_path / "made")
    assert not list(tmp_path.glob("*made*"))


def test_a_folder_that_is_there_is_kept(layouts: ModuleType, pack: Callable, tmp_path: Path) -> None:
    archive = pack({"Bengal_1": draw_pet("Bengal_1")}, ".png")
    (tmp_path / "made").mkdir()
    with pytest.raises(SourceError, match="is there already"):
        layouts.lay_out(archive, tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []
