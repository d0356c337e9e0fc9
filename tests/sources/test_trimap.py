"""The trimap form: from the data set's own layout to encoded masks."""

import numpy as np
import pytest
from PIL import Image

from maskmill.data.encoding import encode_samples
from maskmill.errors import DataError, SourceError
from maskmill.labels import build_class_table
from maskmill.parallel import Workers
from maskmill.pictures import read_label_mask
from maskmill.sources.forms import list_samples
from maskmill.sources.settings import Layout, Reading

TRIMAP = np.array([[1, 1, 3, 2, 2], [1, 3, 2, 2, 2], [3, 2, 2, 2, 2]], np.uint8)
LISTS = {"train": "annotations/trainval.txt", "test": "annotations/test.txt"}
BACKGROUND = {"id": 0, "name": "background"}
BORDER = {"name": "border", "void": True}


def build(root, trimaps, lists):
    for folder in ("images", "annotations/trimaps"):
        (root / folder).mkdir(parents=True)
    for name, trimap in trimaps.items():
        Image.fromarray(np.full((*trimap.shape, 3), 90, np.uint8)).save(root / f"images/{name}.jpg")
        Image.fromarray(trimap).save(root / f"annotations/trimaps/{name}.png")
    for name, text in lists.items():
        (root / name).write_text(text)


def run(root, folder, classes, *, missing="error", **layout):
    layout = Layout(images="images/{name}.jpg", masks="annotations/trimaps/{name}.png", missing=missing, **layout)
    samples = list_samples(root, form="trimap", layout=layout, group=None, annotations_dir=folder / "annotations")
    samples["split"] = samples["split"].where(samples["split"] != "", "train")
    encode_samples(
        samples,
        form="trimap",
        reading=Reading(),
        class_table=build_class_table(classes),
        labels="exclusive",
        encoded_dir=folder / "encoded",
        tolerance=0.0,
        unmatched="nearest",
        mask_size="error",
        progress_dir=folder / "progress",
        assign=lambda manifest, _: manifest,
        workers=Workers(jobs=1),
    )
    masks = {path.stem: read_label_mask(path).tolist() for path in (folder / "encoded/masks").iterdir()}
    return samples, masks


@pytest.fixture
def pets(tmp_path):
    build(
        tmp_path / "pets",
        {"Bengal_1": TRIMAP, "pug_2": np.flip(TRIMAP), "pug_30": TRIMAP},
        {LISTS["train"]: "#Image CLASS-ID SPECIES BREED ID\nBengal_1 6 1 2\npug_2 4 2 3\n", LISTS["test"]: "pug_30 4 2 3\n"},
    )
    return tmp_path / "pets"


@pytest.mark.parametrize(
    ("classes", "border"),
    [
        ([BACKGROUND, {"id": 1, "name": "pet"}, BORDER], 255),
        ([BACKGROUND, {"id": 1, "name": "pet"}, {"id": 2, "name": "border"}], 2),
        ([BACKGROUND, {"id": 1, "name": "pet", "source_ids": ["pet", "border"]}], 1),
    ],
)
def test_the_border_as_void_as_a_class_and_as_pet(pets, tmp_path, classes, border):
    samples, masks = run(pets, tmp_path / "out", classes, lists=LISTS)
    assert dict(zip(samples["id"], samples["split"], strict=True)) == {"Bengal_1": "train", "pug_2": "train", "pug_30": "test"}
    assert masks["Bengal_1"] == [[1, 1, border, 0, 0], [1, border, 0, 0, 0], [border, 0, 0, 0, 0]]


@pytest.mark.parametrize("lists", [{}, LISTS])
def test_species_as_classes_by_the_lists_or_the_name(pets, tmp_path, lists):
    classes = [BACKGROUND, {"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, BORDER]
    _, masks = run(pets, tmp_path / "out", classes, lists=lists, species=True)
    assert masks["Bengal_1"][0] == [1, 1, 255, 0, 0]
    assert masks["pug_2"][2] == [0, 0, 255, 2, 2]


def test_the_value_4(tmp_path):
    build(tmp_path, {"a": np.where(TRIMAP == 3, 4, TRIMAP).astype(np.uint8)}, {})
    with pytest.raises(DataError, match=r"a\.png holds the value 4 in 3 of 15 pixels; expected: only 1, 2, 3"):
        run(tmp_path, tmp_path / "out", [BACKGROUND, {"id": 1, "name": "pet"}, BORDER])


def test_a_list_that_names_an_absent_picture(pets, tmp_path):
    (pets / LISTS["test"]).write_text("pug_30 4 2 3\npug_31 4 2 3\n")
    classes = [BACKGROUND, {"id": 1, "name": "pet"}, BORDER]
    with pytest.raises(SourceError, match=r"1 list lines name no picture with a mask:\n  - annotations/test\.txt:2: pug_31 4 2 3"):
        run(pets, tmp_path / "out", classes, lists=LISTS)
    samples, _ = run(pets, tmp_path / "out", classes, lists=LISTS, missing="skip")
    assert len(samples) == 3


def test_a_list_without_species(pets, tmp_path):
    (pets / LISTS["test"]).write_text("pug_30\n")
    with pytest.raises(SourceError, match=r"test\.txt:1: 'pug_30' has no species"):
        run(pets, tmp_path / "out", [BACKGROUND, BORDER, {"id": 1, "name": "cat"}], lists=LISTS, species=True)


def test_a_picture_in_two_lists(pets, tmp_path):
    (pets / LISTS["test"]).write_text("pug_2 4 2 3\n")
    with pytest.raises(SourceError, match=r"pug_2\.jpg was named before, in annotations/trainval\.txt:3"):
        run(pets, tmp_path / "out", [BACKGROUND, BORDER, {"id": 1, "name": "pet"}], lists=LISTS)
