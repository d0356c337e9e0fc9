import importlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from maskmill.errors import DataError, ParamsError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(write_encoded, tmp_path, monkeypatch):
    """A project folder with two training samples, one of validation, one of test, and a passed validation."""
    generator = np.random.default_rng(0)
    picture, label_mask = generator.integers(0, 256, (20, 30, 3), np.uint8), np.zeros((20, 30), np.uint8)
    parts = {"a": "train", "b": "train", "c": "val", "d": "test"}
    write_encoded({sample_id: (part, picture, label_mask) for sample_id, part in parts.items()})
    write_result(tmp_path, True)
    write_params(tmp_path, {"scale": {"image_size": [16, 16]}})
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "stages"))
    return tmp_path


def write_result(folder, success):
    path = folder / "results" / "validate" / "result.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"success": success, "checks": []}))


def merge(base, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value


def write_params(folder, changes):
    yaml = YAML()
    params = yaml.load(ROOT / "presets" / "default.yaml")
    for section, values in changes.items():
        merge(params[section], values)
    yaml.dump(params, folder / "params.yaml")


def augment():
    importlib.import_module("augment").main()


def test_the_parts_are_packed_and_counted(project, capsys):
    write_params(
        project, {"scale": {"image_size": [16, 16]}, "augment": {"recipe": "street", "recipes": {"street": {"copies": 2}}}}
    )
    augment()
    assert np.load(project / "build" / "arrays" / "train" / "images.npy").shape == (6, 16, 16, 3)
    assert np.load(project / "build" / "arrays" / "val" / "masks.npy").shape == (1, 16, 16)
    assert not (project / "build" / "arrays" / "test").exists()
    shown = capsys.readouterr().out
    assert "train: 6 of 16 x 16, 4 of them augmented, from 2 pictures" in shown
    assert "val: 1 of 16 x 16, 0 of them augmented, from 1 pictures" in shown


@pytest.mark.parametrize("recipe", ["none", "stones", "satellite", "street"])
def test_what_training_will_see_is_drawn_to_be_looked_at(project, recipe, capsys):
    changes = {"recipe": recipe, "recipes": {"stones": {"total": 5}}}
    write_params(project, {"scale": {"image_size": [16, 16]}, "augment": changes})
    augment()
    with Image.open(project / "build" / "contact_sheet.png") as sheet:
        assert 1000 < sheet.width < 1400
    assert len(np.load(project / "build" / "arrays" / "train" / "images.npy")) == (5 if recipe == "stones" else 2)
    assert "build/contact_sheet.png" in capsys.readouterr().out


def test_a_recipe_that_is_wrong_is_named_though_another_one_is_chosen(project):
    changes = {"recipe": "none", "recipes": {"mine": {"transforms": [{"name": "Rotate", "limits": 30}]}}}
    write_params(project, {"scale": {"image_size": [16, 16]}, "augment": changes})
    with pytest.raises(ParamsError, match=r"augment.recipes.mine.transforms\[0\]: limits .* did you mean limit\?"):
        augment()


def test_a_set_that_was_not_validated_is_refused(project):
    write_result(project, False)
    with pytest.raises(DataError, match="failed its checks"):
        augment()
    (project / "results" / "validate" / "result.json").unlink()
    with pytest.raises(DataError, match="has not passed its checks"):
        augment()
    assert not (project / "build" / "arrays").exists()


def test_quarter_turns_of_oblong_pictures_are_refused_before_training(project):
    write_params(project, {"scale": {"image_size": [16, 32]}})
    with pytest.raises(ParamsError, match=r"augment.recipes.satellite.transforms: D4 makes a 32 x 16") as error:
        augment()
    assert "scale.image_size square" in error.value.fix
    assert not (project / "build" / "arrays").exists()


def test_transforms_that_do_not_know_five_bands_are_named_before_packing(project, write_encoded):
    shutil.rmtree(project / "build" / "encoded")
    picture, bits = np.zeros((20, 30, 5), np.uint8), np.full((20, 30), 0b101, np.uint16)
    write_encoded({sample_id: (part, picture, bits) for sample_id, part in (("a", "train"), ("b", "val"))})
    scale = {"scale": {"image_size": [16, 16]}}
    write_params(
        project,
        {**scale, "augment": {"recipe": "fog", "recipes": {"fog": {"copies": 1, "transforms": [{"name": "RandomFog", "p": 0.1}]}}}},
    )
    with pytest.raises(ParamsError, match=r"augment.recipes.fog.transforms: RandomFog does not work on pictures of 5 channels"):
        augment()
    write_params(project, {**scale, "augment": {"recipe": "satellite", "recipes": {"satellite": {"copies": 1}}}})
    augment()
    assert np.load(project / "build" / "arrays" / "train" / "images.npy").shape == (2, 16, 16, 5)
    assert np.load(project / "build" / "arrays" / "train" / "masks.npy").dtype == np.uint16
