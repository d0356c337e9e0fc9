import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML

from maskmill.errors import DataError, ParamsError, SourceError
from maskmill.pictures import read_label_mask

ROOT = Path(__file__).parents[2]
FIELD, WOODS = (214, 193, 96), (34, 110, 52)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with a manifest of ten composites in five flights; flight 4's have a colour of no class."""
    generator = np.random.default_rng(0)
    rows = []
    (tmp_path / "data").mkdir()
    (tmp_path / "build/raw").mkdir(parents=True)
    for number in range(10):
        photo = generator.integers(0, 256, (4, 6, 3), np.uint8)
        mask = np.full((4, 6, 3), FIELD, np.uint8)
        mask[:, 3:] = WOODS
        if number // 2 == 4:
            mask[0, 0] = (255, 0, 255)
        path = f"data/{number}.png"
        Image.fromarray(np.hstack([photo, mask])).save(tmp_path / path)
        rows.append((f"s{number}", path, path, "", "", f"flight{number // 2}", "-"))
    columns = ["id", "image", "mask", "window", "split", "group", "sha256"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "build/raw/manifest.csv", index=False)
    write_params(tmp_path, {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "stages"))
    return tmp_path


def write_params(folder, changes):
    yaml = YAML()
    params = yaml.load(ROOT / "presets" / "default.yaml")
    params["compute"]["jobs"] = 1
    for section, values in changes.items():
        if isinstance(values, dict):
            params[section].update(values)
        else:
            params[section] = values
    yaml.dump(params, folder / "params.yaml")


def encode():
    importlib.import_module("encode").main()


def test_samples_are_split_by_group_and_accounted_for(project, capsys):
    encode()
    samples = pd.read_csv(project / "build/encoded/samples.csv")
    assert sorted(samples["split"].unique()) == ["test", "train", "val"]
    assert (samples.groupby("group")["split"].nunique() == 1).all()
    statistics = pd.read_csv(project / "build/encoded/statistics.csv")
    assert statistics["unmatched"].tolist() == [0.0] * 8 + [1 / 24] * 2
    np.testing.assert_array_equal(read_label_mask(project / "build/encoded/masks/s0.png"), [[0, 0, 0, 1, 1, 1]] * 4)
    shown = capsys.readouterr().out
    assert "10 samples, mask pixels: 99.17% exact, 0.00% tolerated, 0.83% unmatched, 0.00% void" in shown
    assert "4.17% unmatched in data/8.png" in shown
    assert "woods" in shown


def test_the_settings_reach_the_encoding(project):
    write_params(project, {"encode": {"unmatched": "error"}, "source": {"image_side": "left"}})
    with pytest.raises(DataError, match=r"2 of 10 samples(.|\n)*data/8\.png has unknown colours in 1 of 24 pixels"):
        encode()
    assert not (project / "build/encoded").exists()
    write_params(project, {"encode": {"unmatched": "void", "tolerance": 500.0}})
    encode()
    assert pd.read_csv(project / "build/encoded/statistics.csv")["unmatched"].sum() == 0
    write_params(project, {"encode": {"max_pixels": 47}})
    with pytest.raises(DataError, match=r"data/0\.png declares 12 x 4 pixels"):
        encode()


def test_shared_colours_are_told(project, capsys):
    classes = [
        {"id": 0, "name": "field", "colours": [list(FIELD)]},
        {"id": 1, "name": "woods", "colours": [list(WOODS)]},
        {"id": 2, "name": "park", "colours": [list(WOODS)]},
    ]
    write_params(project, {"classes": classes})
    encode()
    assert "colour [34, 110, 52] is claimed by woods, park: woods gets it" in capsys.readouterr().out


def test_an_unfit_class_table_is_refused(project):
    write_params(project, {"classes": [{"id": 0, "name": "a", "colours": [[1, 2, 3]]}, {"id": 0, "name": "b"}]})
    with pytest.raises(ParamsError, match="id 0 is given 2 times"):
        encode()


def test_without_a_manifest_the_stage_says_what_to_run(project):
    (project / "build/raw/manifest.csv").unlink()
    with pytest.raises(SourceError, match=r"manifest\.csv does not exist"):
        encode()
