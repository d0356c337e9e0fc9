"""What is proposed is what a run does: the form that reads the proposal's settings finds the same pairs in the same parts."""

import json

import numpy as np
import pytest
from PIL import Image
from public_sets import SETS

from maskmill.errors import SourceError
from maskmill.sources.annotations import Annotation, MaskFile
from maskmill.sources.forms import FORMS
from maskmill.sources.inspection.look import inspect_tree
from maskmill.sources.inspection.pairing import propose_pairings
from maskmill.sources.inspection.parts import guess_parts
from maskmill.sources.inspection.proposals import MOST_RIVALS, find_rivals
from maskmill.sources.settings import Layout
from maskmill.sources.tree import read_tree

HEIGHT, WIDTH = 16, 24
FORM_OF = {"composite": "composite", "separate": "folders", "layers": "layers"}


def draw_photo(path, seed=0):
    rng = np.random.default_rng(seed)
    pixels = np.linspace(40, 160, WIDTH)[None, :, None] + rng.normal(0, 18, (HEIGHT, WIDTH, 3)) + seed
    save(path, np.clip(pixels, 0, 255).astype(np.uint8))


def draw_mask(path, seed=0, value=255):
    rng = np.random.default_rng(seed)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    top, left = rng.integers(0, 10), rng.integers(0, 14)
    mask[top : top + 6, left : left + 9] = value
    save(path, mask)


def draw_depth(path, seed=0):
    slope = np.linspace(0, 9000, HEIGHT)[:, None] + np.linspace(0, 4000, WIDTH) + 100 * seed
    save(path, slope.astype(np.uint16))


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def lay(root, *, photos=(), masks=(), depths=(), texts=None):
    for draw, patterns in ((draw_photo, photos), (draw_mask, masks), (draw_depth, depths)):
        for number, path in enumerate(patterns):
            draw(root / path, number)
    for path, text in (texts or {}).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def name_all(pattern, numbers):
    return [pattern.format(number) for number in numbers]


def run(tree, proposal):
    """Return picture -> (masks, part) as the form finds them with the settings that are written for a proposal."""
    lists = {guess.setting: guess.value for guess in guess_parts(tree, proposal)}.get("source.lists", {})
    odd = proposal.pictures_without_mask or proposal.masks_without_picture or proposal.missing
    layout = Layout(images=proposal.images, masks=proposal.masks, missing="skip" if odd else "error", lists=lists)
    found = {}
    for pair in FORMS[FORM_OF[proposal.layout]].find_samples(tree, layout):
        masks = [pair.mask]
        if isinstance(pair.mask, Annotation):
            masks = [layer.file for layer in pair.mask.layers if isinstance(layer, MaskFile)]
        found[pair.image.relative_to(tree.root).as_posix()] = (
            sorted(mask.relative_to(tree.root).as_posix() for mask in masks),
            pair.split,
        )
    return found


def expect(proposal):
    return {sample.image: (sorted(sample.masks), sample.split) for sample in proposal.samples}


TWELVE, SIX = range(12), range(6)
TREES = {
    "test_without_masks": {
        "photos": [*name_all("train/images/a{:02}.jpg", SIX), *name_all("test/images/b{:02}.jpg", SIX)],
        "masks": name_all("train/masks/a{:02}.png", SIX),
    },
    "some_without_masks": {"photos": name_all("images/a{:02}.jpg", TWELVE), "masks": name_all("masks/a{:02}.png", SIX)},
    "masks_in_test_alone": {
        "photos": [*name_all("train/images/a{:02}.jpg", SIX), *name_all("test/images/b{:02}.jpg", SIX)],
        "masks": name_all("test/masks/b{:02}.png", SIX),
    },
    "parts_of_pictures_alone": {
        "photos": [*name_all("images/train/a{:02}.jpg", SIX), *name_all("images/val/b{:02}.jpg", SIX)],
        "masks": [*name_all("masks/a{:02}.png", SIX), *name_all("masks/b{:02}.png", SIX)],
    },
    "parts_in_names": {
        "photos": [*name_all("train_{:02}.jpg", SIX), *name_all("test_{:02}.jpg", SIX)],
        "masks": [*name_all("train_{:02}_mask.png", SIX), *name_all("test_{:02}_mask.png", SIX)],
    },
    "parts_behind_names": {
        "photos": [*name_all("images/a_b_{:02}_train.jpg", SIX), *name_all("images/a_b_{:02}_val.jpg", SIX)],
        "masks": [*name_all("masks/a_b_{:02}_train.png", SIX), *name_all("masks/a_b_{:02}_val.png", SIX)],
    },
    "folders_of_pictures_alone": {
        "photos": [f"photos/person {letter}/{letter}_{n}.jpg" for letter in "abcdef" for n in (1, 2)],
        "masks": [f"parts/{letter}_{n}.png" for letter in "abcdef" for n in (1, 2)],
    },
    "words_vary_together": {
        "photos": [*name_all("XY-A/XY-A-Image/{:02}.jpg", SIX), *name_all("XY-B/XY-B-Image/1{:02}.jpg", SIX)],
        "masks": [*name_all("XY-A/XY-A-Mask/{:02}.png", SIX), *name_all("XY-B/XY-B-Mask/1{:02}.png", SIX)],
    },
    "padded_layers": {
        "photos": name_all("pictures/{}.jpg", TWELVE),
        "masks": [f"anno/{n // 6}/{n:05}_{kind}.png" for n in TWELVE for kind in ("hair", "left_eye", "nose")],
    },
    "lists_of_bare_names": {
        "photos": name_all("images/a{:02}.jpg", TWELVE),
        "masks": name_all("masks/a{:02}.png", TWELVE),
        "texts": {"trn.txt": "\n".join(name_all("a{:02}", range(7))), "tst.txt": "\n".join(name_all("a{:02}", range(7, 11)))},
    },
    "list_without_training": {
        "photos": name_all("images/a{:02}.jpg", TWELVE),
        "masks": name_all("masks/a{:02}.png", TWELVE),
        "texts": {"val.txt": "a01\na02\n"},
    },
    "lists_that_repeat": {
        "photos": name_all("images/a{:02}.jpg", TWELVE),
        "masks": name_all("masks/a{:02}.png", TWELVE),
        "texts": {"train.txt": "\n".join(name_all("a{:02}", TWELVE)), "val.txt": "a01\na02\n"},
    },
    "unicode": {
        "photos": name_all("Bilder größer/Fluß ({}).jpg", SIX),
        "masks": name_all("Masken 掩膜/Fluß ({}).png", SIX),
    },
    "two_and_one": {"photos": ["images/a.jpg", "images/b.jpg"], "masks": ["masks/a.png"]},
}


@pytest.mark.parametrize("name", TREES)
def test_a_form_finds_what_is_proposed(name, tmp_path):
    lay(tmp_path, **TREES[name])
    tree = read_tree(tmp_path)
    best = propose_pairings(tree)[0]
    assert run(tree, best) == expect(best)
    assert len(best.samples) >= len(TREES[name]["masks"]) // 3 - 1


@pytest.mark.parametrize("name", SETS)
def test_a_form_finds_what_is_proposed_for_public_sets(name, tmp_path):
    SETS[name](tmp_path, np.random.default_rng(3))
    tree = read_tree(tmp_path)
    for proposal in propose_pairings(tree)[:1]:
        if proposal.layout in FORM_OF:
            assert run(tree, proposal) == expect(proposal)


def test_pictures_folders_that_masks_lack_are_named(tmp_path):
    lay(tmp_path, **TREES["parts_of_pictures_alone"])
    best = propose_pairings(read_tree(tmp_path))[0]
    assert best.split_source is None
    assert any("images/train, images/val" in reason and "drawn" in reason for reason in best.reasons)


def test_parts_that_names_say(tmp_path):
    lay(tmp_path, **TREES["parts_in_names"])
    best = propose_pairings(read_tree(tmp_path))[0]
    assert (best.images, best.masks) == ("{split}_{name}.jpg", "{split}_{name}_mask.png")
    assert [sample.split for sample in best.samples] == ["test"] * 6 + ["train"] * 6


def test_parts_without_one_to_train_on_are_not_used(tmp_path):
    lay(tmp_path, **TREES["masks_in_test_alone"])
    best = propose_pairings(read_tree(tmp_path))[0]
    assert {sample.split for sample in best.samples} == {""}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("list_without_training", "none of them is of the training part"),
        ("lists_that_repeat", "they name a picture twice: images/a01"),
    ],
)
def test_lists_that_cannot_divide_are_named(name, why, tmp_path):
    lay(tmp_path, **TREES[name])
    best = propose_pairings(read_tree(tmp_path))[0]
    assert (best.split_source, dict(best.lists)) == (None, {})
    assert any(f"the lists are not used: {why}" in reason for reason in best.reasons)


def test_a_table_with_parts_is_named(tmp_path):
    rows = ["image,fold", *(f"a{n:02}.jpg,{'train' if n < 9 else 'val'}" for n in TWELVE)]
    texts = {"meta.csv": "\n".join(rows)}
    lay(tmp_path, photos=name_all("images/a{:02}.jpg", TWELVE), masks=name_all("masks/a{:02}.png", TWELVE), texts=texts)
    best = propose_pairings(read_tree(tmp_path))[0]
    assert any("meta.csv has the parts in column 'fold'" in reason for reason in best.reasons)


def test_copies_in_another_format_are_taken_once(tmp_path):
    lay(tmp_path, photos=name_all("images/a{:02}.png", SIX), masks=name_all("masks/a{:02}.png", SIX))
    lay(tmp_path, photos=name_all("images/a{:02}.tif", SIX), masks=name_all("masks/a{:02}.tif", SIX))
    proposals = propose_pairings(read_tree(tmp_path))
    assert [(one.images, one.masks) for one in find_rivals(proposals)] == [("images/{name}.png", "masks/{name}.png")]


def test_depth_is_no_mask(tmp_path):
    """Three pictures a sample: the smooth one is neither the photo nor the mask."""
    places = {what: name_all(f"{what}/{{:02}}.png", SIX) for what in ("rgb", "depth", "labels")}
    lay(tmp_path, photos=places["rgb"], depths=places["depth"], masks=places["labels"])
    best = propose_pairings(read_tree(tmp_path))[0]
    assert (best.images, best.masks) == ("rgb/{name}.png", "labels/{name}.png")


@pytest.mark.parametrize("draw", [draw_photo, draw_mask])
@pytest.mark.parametrize("number", [1, 5])
def test_one_kind_alone_is_no_pairing(draw, number, tmp_path):
    for one in range(number):
        draw(tmp_path / f"{one}.png", one)
    assert propose_pairings(read_tree(tmp_path)) == []


def test_what_machines_leave_behind_does_not_count(tmp_path):
    lay(tmp_path, photos=name_all("set/images/{:02}.jpg", SIX), masks=name_all("set/masks/{:02}.png", SIX))
    lay(tmp_path, photos=name_all("set/thumbnails/{:02}.jpg", SIX))
    junk = {"set/images/._00.jpg": "x", "__MACOSX/set/masks/._00.png": "x", "set/.DS_Store": "x", "set/Thumbs.db": "x"}
    lay(tmp_path, texts=junk)
    best = propose_pairings(read_tree(tmp_path))[0]
    assert (best.images, best.masks, len(best.samples)) == ("images/{name}.jpg", "masks/{name}.png", 6)


def test_thousands_of_files_in_one_folder(tmp_path):
    lay(tmp_path, photos=["0000.jpg"], masks=["0000_mask.png"])
    for number in range(1, 3000):
        (tmp_path / f"{number:04}.jpg").hardlink_to(tmp_path / "0000.jpg")
        (tmp_path / f"{number:04}_mask.png").hardlink_to(tmp_path / "0000_mask.png")
    best = propose_pairings(read_tree(tmp_path))[0]
    assert (best.images, best.masks, len(best.samples)) == ("{name}.jpg", "{name}_mask.png", 3000)


def test_kinds_are_short_and_differ(tmp_path):
    photos = name_all("images/{:02}.png", SIX)
    lay(tmp_path, photos=photos)
    for number in range(9):
        lay(tmp_path, masks=[f"masks by expert{number}/{(one + number) % 6:02}.png" for one in SIX])
    rivals = find_rivals(propose_pairings(read_tree(tmp_path)))
    kinds = [one.kind for one in rivals]
    assert len(kinds) == len(set(kinds)) == MOST_RIVALS
    assert all(len(kind) < 24 for kind in kinds)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("a0.json", json.dumps({"shapes": [], "imagePath": "a0.jpg"}), "LabelMe's"),
        ("a0.json", json.dumps({"a0.jpg9": {"regions": []}}), "VGG Image Annotator's"),
        ("a0.xml", "<Annotations><Region><Vertex/></Region></Annotations>", "XML"),
        ("a0.txt", "0 0.1 0.1 0.5 0.1 0.5 0.6 0.2 0.4", "YOLO's"),
    ],
)
def test_annotations_that_no_form_reads_are_named(path, text, said, tmp_path):
    lay(tmp_path, photos=name_all("a{}.jpg", SIX), texts={path: text, "broken.json": "{"})
    with pytest.raises(SourceError, match=said):
        inspect_tree(read_tree(tmp_path))


def test_many_folders_of_arbitrary_names(tmp_path):
    """Pieces of hexadecimal names are shared by chance: the folder is what a picture and its masks have in common."""
    rng = np.random.default_rng(5)
    names = ["".join(rng.choice(list("0123456789abcdef"), 32)) for _ in range(300)]
    for name in names:
        draw_photo(tmp_path / f"stage/{name}/images/{name}.png")
        for number in range(3):
            draw_mask(tmp_path / f"stage/{name}/masks/{name[::-1]}{number}.png", number)
    best = propose_pairings(read_tree(tmp_path))[0]
    assert (best.images, best.masks) == ("{folder}/images/{folder}.png", "{folder}/masks/*.png")
    assert {len(sample.masks) for sample in best.samples} == {3}


def test_a_folder_for_each_of_many_pictures(tmp_path):
    rng = np.random.default_rng(6)
    for number in range(300):
        person = "".join(rng.choice(list("abcdefghijklm"), 9)).title()
        draw_photo(tmp_path / f"photos/{person}/{person}_0001.jpg")
        draw_mask(tmp_path / f"parts/{person}_0001.png", number % 9)
    best = propose_pairings(read_tree(tmp_path))[0]
    assert (best.images, best.masks, len(best.samples)) == ("photos/*/{name}.jpg", "parts/{name}.png", 300)
