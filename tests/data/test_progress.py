"""What is encoded again and what is taken over: every test compares with an encoding from scratch."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from maskmill.data.encoding import encode_samples
from maskmill.data.samples import read_sample
from maskmill.errors import DataError
from maskmill.labels import build_class_table
from maskmill.parallel import Workers
from maskmill.sources.annotations import Annotation, MaskFile, write_annotation
from maskmill.sources.manifest import COLUMNS
from maskmill.sources.settings import Reading

SKY, ROAD = (10, 20, 200), (100, 100, 100)
TABLE = build_class_table([{"name": "sky", "id": 0, "colours": [SKY]}, {"name": "road", "id": 1, "colours": [ROAD]}])
MASK = np.array([[SKY, SKY, ROAD, ROAD], [SKY, (12, 20, 200), ROAD, ROAD]], np.uint8)


class Project:
    """A folder with five pairs in source/, encoded into encoded/ as often as wanted, and what the last encoding has read."""

    def __init__(self, folder):
        self.folder = folder
        self.encoded, self.progress = folder / "encoded", folder / "progress"
        self.ids = [f"s{number}" for number in range(5)]
        self.read = []
        (folder / "source").mkdir()
        for number, name in enumerate(self.ids):
            self.paint(name, np.full((2, 4, 3), 10 * number, np.uint8), MASK)

    def paint(self, name, picture=None, mask=None):
        """Write a picture or a mask or both; the picture in inks, so that it is not copied but made RGB."""
        if picture is not None:
            Image.fromarray(picture).convert("CMYK").save(self.folder / f"source/{name}.tif")
        if mask is not None:
            Image.fromarray(mask).save(self.folder / f"source/{name}_mask.png")

    def list(self):
        rows = [
            (name, f"source/{name}.tif", f"source/{name}_mask.png", "", "train", f"group of {name}", "-")
            for name in reversed(self.ids)
        ]
        return pd.DataFrame(rows, columns=COLUMNS)

    def encode(self, *, encoded=None, progress=None, manifest=None, **changes):
        self.read.clear()
        settings = {"form": "folders", "tolerance": 5.0, "unmatched": "nearest", "assign": lambda manifest, _: manifest}
        encode_samples(
            self.list() if manifest is None else manifest,
            reading=Reading(),
            class_table=TABLE,
            labels="exclusive",
            mask_size="error",
            encoded_dir=encoded or self.encoded,
            progress_dir=progress or self.progress,
            workers=Workers(jobs=1),
            **(settings | changes),
        )
        return list(self.read)

    def assert_as_from_scratch(self, **changes):
        scratch = self.folder / "scratch"
        assert len(self.encode(encoded=scratch / "encoded", progress=scratch / "progress", **changes)) == len(self.ids)
        assert read_all_files(self.encoded) == read_all_files(scratch / "encoded")
        shutil.rmtree(scratch)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)

    def read(form, files, reading):
        project.read.append(files.images[0].stem)
        return read_sample(form, files, reading)

    monkeypatch.setattr("maskmill.data.samples.read_sample", read)
    assert project.encode() == project.ids
    return project


def read_all_files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_changed(project, capsys):
    assert project.encode() == []
    assert "encoded 0 of 5 samples, 5 as they were" in capsys.readouterr().out
    project.assert_as_from_scratch()


def test_one_changed_picture(project, capsys):
    project.paint("s3", picture=np.full((2, 4, 3), 99, np.uint8))
    assert project.encode() == ["s3"]
    assert "encoded 1 of 5 samples, 4 as they were" in capsys.readouterr().out
    project.assert_as_from_scratch()


def test_one_changed_mask(project):
    project.paint("s1", mask=MASK[::-1].copy())
    assert project.encode() == ["s1"]
    project.assert_as_from_scratch()


def test_bytes_count_and_times_do_not(project):
    for path in (project.folder / "source").iterdir():
        os.utime(path, ns=(1, 1))
    assert project.encode() == []


def test_a_changed_setting_encodes_all(project):
    assert project.encode(tolerance=1.0) == project.ids
    project.assert_as_from_scratch(tolerance=1.0)


def test_another_split_encodes_nothing(project):
    changes = {"assign": lambda manifest, _: manifest.assign(split=["val", "test", "train", "train", "train"], group="g")}
    assert project.encode(**changes) == []
    assert pd.read_csv(project.encoded / "samples.csv")["split"].tolist() == ["val", "test", "train", "train", "train"]
    project.assert_as_from_scratch(**changes)


def test_outputs_with_other_bytes_are_made_again(project):
    (project.encoded / "masks/s0.png").write_bytes((project.encoded / "masks/s1.png").read_bytes() + b"more")
    (project.encoded / "images/s4.png").unlink()
    assert project.encode() == ["s0", "s4"]
    project.assert_as_from_scratch()


def test_tables_with_other_bytes_are_written_anew(project):
    for name in ("samples.csv", "statistics.csv", "thumbnails.npy", "classes.csv"):
        (project.encoded / name).write_bytes(b"something else")
    (project.encoded / "images/stranger.png").write_bytes(b"not ours")
    assert project.encode() == []
    project.assert_as_from_scratch()


@pytest.mark.parametrize("lost", ["encoded", "progress"])
def test_without_the_former_folder_or_what_is_known_of_it_all_are_encoded(project, lost):
    shutil.rmtree(project.folder / lost)
    assert project.encode() == project.ids
    project.assert_as_from_scratch()


def test_samples_that_are_gone_disappear(project):
    project.ids.remove("s2")
    assert project.encode() == []
    assert not (project.encoded / "images/s2.png").exists()
    assert "s2" not in (project.progress / "samples.jsonl").read_text()
    project.assert_as_from_scratch()


def test_the_former_folder_may_be_links_into_a_cache_that_is_only_read(project):
    cache = project.folder / "cache"
    cache.mkdir()
    for number, path in enumerate(sorted(path for path in project.encoded.rglob("*") if path.is_file())):
        kept = path.rename(cache / f"{number}")
        kept.chmod(0o444)
        path.symlink_to(kept) if number % 2 else path.hardlink_to(kept)
    before = read_all_files(cache)
    project.paint("s3", picture=np.full((2, 4, 3), 99, np.uint8))
    assert project.encode() == ["s3"]
    assert not any(path.is_symlink() for path in project.encoded.rglob("*"))
    project.paint("s2", mask=MASK[::-1].copy())
    assert project.encode(tolerance=4.0) == project.ids
    assert read_all_files(cache) == before
    project.assert_as_from_scratch(tolerance=4.0)


def test_disks_without_hard_links(project, monkeypatch):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    assert project.encode() == []
    project.assert_as_from_scratch()


def test_an_interrupted_encoding_goes_on(project, monkeypatch):
    shutil.rmtree(project.encoded)
    shutil.rmtree(project.progress)
    whole = read_sample

    def read_until_killed(form, files, reading):
        if files.images[0].stem == "s3":
            raise KeyboardInterrupt
        return whole(form, files, reading)

    with monkeypatch.context() as patch:
        patch.setattr("maskmill.data.samples.read_sample", read_until_killed)
        with pytest.raises(KeyboardInterrupt):
            project.encode()
    assert not project.encoded.exists()
    with (project.progress / "samples.jsonl").open("a") as log:
        log.write('{"id": "s3", "sour')  # as a computer that goes off leaves it
    (project.progress / "unfinished/images/s4.png").write_bytes(b"half")
    (project.progress / "unfinished/images/gone.png").write_bytes(b"of a sample that is no more")
    assert project.encode() == ["s3", "s4"]
    project.assert_as_from_scratch()
    assert sorted(path.name for path in project.progress.iterdir()) == ["samples.jsonl", "settings.sha256"]


def test_bad_files_leave_the_former_folder_and_cost_the_others_nothing(project):
    before = read_all_files(project.encoded)
    project.paint("s0", mask=MASK[:, :3].copy())
    project.paint("s3", picture=np.full((2, 4, 3), 99, np.uint8))
    with pytest.raises(DataError, match="1 of 5 samples"):
        project.encode()
    assert project.read == ["s0", "s3"]
    assert read_all_files(project.encoded) == before
    project.paint("s0", mask=MASK)
    assert project.encode() == []  # s0 is as it was at first, s3 is done
    project.assert_as_from_scratch()


def test_an_interruption_while_the_folders_are_exchanged(project, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "move", stop)
        with pytest.raises(KeyboardInterrupt):
            project.encode()
    assert project.encode() == []
    project.assert_as_from_scratch()


def test_mask_files_that_an_annotation_names(project):
    values = np.array([[1, 1, 2, 2], [1, 2, 2, 2]], np.uint8)
    layers = []
    for number, label in enumerate(("sky", "road"), start=1):
        path = project.folder / f"source/{label}.png"
        Image.fromarray((values == number).astype(np.uint8) * 255).save(path)
        layers.append(MaskFile(label=label, file=path))
    write_annotation(Annotation(layers=layers), project.folder / "s0.json", lambda path: path)
    project.ids = ["s0"]
    manifest = project.list().assign(mask="s0.json")
    assert project.encode(form="layers", manifest=manifest) == ["s0"]
    assert project.encode(form="layers", manifest=manifest) == []
    Image.fromarray(np.full((2, 4), 255, np.uint8)).save(project.folder / "source/road.png")
    assert project.encode(form="layers", manifest=manifest) == ["s0"]
    project.assert_as_from_scratch(form="layers", manifest=manifest)
