"""The download stage as DVC runs it: folders, archives, addresses, the real sets, and bad input."""

import hashlib
import importlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from loopback import served  # noqa: F401  a fixture
from PIL import Image
from ruamel.yaml import YAML

from maskmill.data.splits import assign_splits
from maskmill.params import read_yaml
from maskmill.sources.forms import read_sample
from maskmill.sources.manifest import read_manifest
from maskmill.sources.settings import Reading, SampleFiles
from maskmill.terminal import run_stage

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared" / "data"
DEFAULT = read_yaml(REPOSITORY / "presets" / "default.yaml")
FOLDERS = {"form": "folders", "images": "images/{flight}_{scene}.*", "masks": "masks/{flight}_{scene}.png"}


@dataclass
class Done:
    """How a run of the stage ended, and what it said."""

    code: int
    output: str
    errors: str


@pytest.fixture
def download(project, monkeypatch, capsys):
    """Run the stage in the project with changed source settings."""
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(REPOSITORY / "stages"))

    def run(**source):
        write_params(project, source)
        capsys.readouterr()
        try:
            run_stage(importlib.import_module("download").main)
            code = 0
        except SystemExit as error:
            code = error.code
        return Done(code, *capsys.readouterr())

    return run


def write_params(project, source):
    params = {**DEFAULT, "source": DEFAULT["source"] | source}
    YAML(typ="safe", pure=True).dump(params, project / "params.yaml")


def manifest_of(project):
    return read_manifest(project / "build" / "raw" / "manifest.csv")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def pictures(tmp_path):
    """A folder images/, masks/ of six pairs in three flights, outside the project."""
    root = tmp_path / "pictures"
    generator = np.random.default_rng(0)
    for flight in "abc":
        for scene in "12":
            for folder, suffix in (("images", "jpg"), ("masks", "png")):
                path = root / folder / f"{flight}_{scene}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(generator.integers(0, 255, (4, 6, 3), np.uint8)).save(path)
    return root


@pytest.fixture
def archive(pictures, tmp_path):
    return Path(shutil.make_archive(str(tmp_path / "pictures"), "zip", tmp_path, "pictures"))


def test_a_folder_is_referred_to(project, download, pictures):
    before = {path: path.stat().st_mtime_ns for path in pictures.rglob("*")}
    done = download(path="../pictures", **FOLDERS)
    assert done.code == 0, done.errors
    assert "6 samples, 3 groups, form folders" in done.output
    manifest = manifest_of(project)
    assert manifest["id"].tolist() == ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"]
    assert manifest["image"][0] == "../pictures/images/a_1.jpg"
    assert manifest["mask"][0] == "../pictures/masks/a_1.png"
    assert [path.name for path in (project / "build" / "raw").iterdir()] == ["manifest.csv"]
    assert {path: path.stat().st_mtime_ns for path in pictures.rglob("*")} == before


def test_as_a_command(project, pictures):
    write_params(project, {"path": "../pictures", **FOLDERS})
    command = [sys.executable, str(REPOSITORY / "stages" / "download.py")]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=True)
    assert "6 samples" in done.stdout
    assert len(manifest_of(project)) == 6


def test_an_archive_is_unpacked_below_raw_and_again_alike(project, download, archive):
    assert download(path=str(archive), **FOLDERS).code == 0
    first = (project / "build" / "raw" / "manifest.csv").read_bytes()
    image = manifest_of(project)["image"][0]
    assert image == "build/raw/files/pictures/images/a_1.jpg"
    assert (project / image).is_file()
    assert download(path=str(archive), **FOLDERS).code == 0
    assert (project / "build" / "raw" / "manifest.csv").read_bytes() == first
    assert [path.name for path in (project / "build").iterdir()] == ["raw"]


def test_an_interrupted_fetch_goes_on_after_dvc_removed_raw(project, download, archive, served):  # noqa: F811
    with zipfile.ZipFile(archive, "a") as opened:  # large enough to be cut in the middle
        opened.writestr("pictures/notes.bin", np.random.default_rng(0).bytes(2 << 20))
    served.content = archive.read_bytes()
    address = {"url": f"{served.address}/data.zip", "sha256": hashlib.sha256(served.content).hexdigest(), **FOLDERS}
    served.breaks_off_after = len(served.content) // 2
    broken = download(**address)
    assert broken.code == 1
    assert "run the same command again" in broken.errors
    assert not (project / "build" / "raw").exists()
    served.breaks_off_after = None
    assert download(**address).code == 0
    assert served.ranges[1].startswith("bytes=")
    assert len(manifest_of(project)) == 6
    shutil.rmtree(project / "build")
    assert download(**address).code == 0  # from what was kept
    assert len(served.ranges) == 2


def test_limit(project, download, pictures):
    assert download(path="../pictures", limit=3, **FOLDERS).code == 0
    assert manifest_of(project)["id"].tolist() == ["a-2", "b-2", "c-2"]


def test_missing_mask(project, download, pictures):
    (pictures / "masks" / "b_2.png").unlink()
    check_failed(project, download(path="../pictures", **FOLDERS), "images/b_2.jpg", "add what is missing")


def test_missing_mask_in_an_archive_names_the_archive(project, download, pictures, tmp_path):
    (pictures / "masks" / "b_2.png").unlink()
    shutil.make_archive(str(tmp_path / "set"), "gztar", tmp_path, "pictures")
    check_failed(project, download(path="../set.tar.gz", **FOLDERS), "below ../set.tar.gz/pictures", "images/b_2.jpg")


def test_empty_folder(project, download, tmp_path):
    (tmp_path / "empty").mkdir()
    check_failed(project, download(path="../empty"), "../empty holds no files", "source.path")


def test_absent_path(project, download):
    check_failed(project, download(path="absent"), "absent does not exist", "dvc pull")


def test_wrong_checksum(project, download, archive, served):  # noqa: F811
    served.content = archive.read_bytes()
    done = download(url=f"{served.address}/data.zip", sha256="0" * 64, **FOLDERS)
    check_failed(project, done, "0" * 64, hashlib.sha256(served.content).hexdigest())
    assert not [path for path in (project / ".maskmill").rglob("*") if path.is_file()]


def test_archive_that_leaves_its_folder(project, download, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as opened:
        opened.writestr("images/a_1.jpg", b"1")
        opened.writestr("../../../../evil.txt", b"1")
    check_failed(project, download(path="../evil.zip", **FOLDERS), "../evil.zip is refused", "'../../../../evil.txt'")
    assert not list(tmp_path.rglob("evil.txt"))


def test_archive_with_a_link(project, download, tmp_path):
    link = tarfile.TarInfo("images")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with tarfile.open(tmp_path / "evil.tar", "w") as opened:
        opened.addfile(link)
        opened.addfile(tarfile.TarInfo("images/a_1.jpg"), io.BytesIO())
    check_failed(project, download(path="../evil.tar", **FOLDERS), "'images' is a link or a device", "fix:")


def test_archive_cut_short(project, download, archive):
    archive.write_bytes(archive.read_bytes()[:-200])
    check_failed(project, download(path=str(archive), **FOLDERS), str(archive), "a whole archive")


def check_failed(project, done, *said):
    assert done.code == 1
    for part in (*said, "fix: "):
        assert part in done.errors
    assert "Traceback" not in done.errors
    left = [path.name for path in project.rglob("*") if path.is_file()]
    assert left == ["params.yaml"]


REAL = {
    "dubai_aerial": ("dubai_aerial.zip", {"": 72}, 8, "Tile_1-image_part_001"),
    "camvid": ("camvid.tar", {"train": 367, "val": 101}, 3, "train-0001TP-006690"),
}


@pytest.mark.parametrize("preset", sorted(REAL))
def test_real_sets(preset, project, download):
    archive, counts, num_groups, first = REAL[preset]
    if not (SHARED / archive).is_file():
        pytest.skip(f"{archive} is not in ../shared/data")
    source = read_yaml(REPOSITORY / "presets" / f"{preset}.yaml")["source"]
    done = download(**{**source, "path": str(SHARED / archive)})
    assert done.code == 0, done.errors
    manifest = manifest_of(project)
    assert manifest["split"].value_counts().to_dict() == counts
    assert manifest["group"].nunique() == num_groups
    assert manifest["id"][0] == first
    split = assign_splits(manifest, None, by="source", seed=0, val=0.15, test=0.2, folds=None, fold=0)
    assert set(split["split"]) == {"train", "val", "test"}
    assert set(split.loc[split["split"] == "test", "group"]).isdisjoint(split.loc[split["split"] != "test", "group"])
    sample = manifest.iloc[0]
    picture, mask = read_sample(source["form"], SampleFiles((project / sample["image"],), project / sample["mask"]), Reading())
    assert picture.shape[:2] == mask.shape[:2]


def test_a_table_of_the_source_gives_parts_and_groups(project, download):
    for number in range(3):
        path = project / "data" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(path)
    (project / "data" / "cases.csv").write_text("scan,patient,subset\n0,anna,train\n1,anna,training\n2,bert,val\n")
    table = {"file": "cases.csv", "image": "scan", "split": "subset"}
    done = download(path="data", form="composite", images="{name}.png", table=table, group="{patient}")
    assert done.code == 0, done.errors
    assert manifest_of(project)["split"].tolist() == ["train", "train", "val"]
    assert manifest_of(project)["group"].tolist() == ["anna", "anna", "bert"]
