"""Bad input as a user meets it: the stage scripts as commands, in a project with the default settings and a few changes.

Each test asks for exit code 1, for the file and the fix in the message, and for nothing half-written on the disk.
"""

import io
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from loopback import served  # noqa: F401  a fixture
from PIL import Image
from ruamel.yaml import YAML

from maskmill.params import read_yaml
from maskmill.pictures import read_label_mask, read_picture

REPOSITORY = Path(__file__).parents[2]
DEFAULT = read_yaml(REPOSITORY / "presets" / "default.yaml")
FIELD, WOODS = (214, 193, 96), (34, 110, 52)
HEIGHT, WIDTH = 6, 10
PHOTO = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
MASK = np.full((HEIGHT, WIDTH, 3), FIELD, np.uint8)
MASK[:, 4:] = WOODS
LABELS = (np.arange(WIDTH) >= 4).astype(np.uint8) * np.ones((HEIGHT, 1), np.uint8)
ORIENTATION = 0x0112


@dataclass
class Project:
    """A folder to run stages in, outside the repository, with the user's data in data/."""

    folder: Path
    source: dict = field(
        default_factory=lambda: {"form": "folders", "images": "images/{scene}.*", "masks": "masks/{scene}.png", "group": None}
    )
    changes: dict = field(default_factory=dict)

    def add(self, scene, image=PHOTO, mask=MASK, suffix=".png"):
        """Write a pair; arrays and pictures are saved, bytes are written as they are, None is left out."""
        _save(self.folder / "data" / "images" / f"{scene}{suffix}", image)
        _save(self.folder / "data" / "masks" / f"{scene}.png", mask)

    def run(self, *stages):
        """Run stages until one fails, as commands."""
        params = {**DEFAULT, "source": DEFAULT["source"] | self.source, "compute": DEFAULT["compute"] | {"jobs": 1}, **self.changes}
        YAML(typ="safe", pure=True).dump(params, self.folder / "params.yaml")
        return self.run_as_it_is(*stages)

    def run_as_it_is(self, *stages):
        for stage in stages:
            done = subprocess.run(
                [sys.executable, REPOSITORY / "stages" / f"{stage}.py"],
                cwd=self.folder,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            if done.returncode:
                break
        return done

    def list_outputs(self):
        return sorted(path.name for path in (self.folder / "build").glob("*")) if (self.folder / "build").exists() else []


def _save(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, Image.Image):
        content.save(path, exif=content.getexif())
    elif content is not None:
        Image.fromarray(content).save(path)


def check_refused(project, done, *said, outputs=()):
    """Check that the stage stopped with a message for people and that only whole `outputs` of earlier stages are there."""
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    for part in (*said, "fix: "):
        assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert project.list_outputs() == list(outputs)
    assert not list(project.folder.rglob(".partial*"))


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project")


# Files that the encode stage refuses, all of them in one run


def write_giant():
    """A PNG that declares 30,000 x 30,000 pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def write_cut_jpeg():
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


def turn(array, orientation=6):
    picture = Image.fromarray(array)
    picture.getexif()[ORIENTATION] = orientation
    return picture


UNKNOWN = MASK.copy()
UNKNOWN[0, :3] = (255, 0, 255)
BAD_FILES = {
    "small": ({"mask": MASK[:, 1:]}, "masks/small.png is 9 x 6 pixels, its picture data/images/small.png is 10 x 6"),
    "cut": ({"image": write_cut_jpeg(), "suffix": ".jpg"}, "images/cut.jpg cannot be decoded: image file is truncated"),
    "text": ({"image": b"Dear reader,\n"}, "images/text.png is not a picture"),
    "text_mask": ({"mask": b"Dear reader,\n"}, "masks/text_mask.png is not a picture"),
    "turned": (
        {"image": turn(PHOTO), "suffix": ".jpg"},
        "masks/turned.png is 10 x 6 pixels, its picture data/images/turned.jpg is 6 x 10",
    ),
    "unknown": ({"mask": UNKNOWN}, "masks/unknown.png has unknown colours in 3 of 60 pixels, most often [255, 0, 255] (3)"),
    "giant": ({"image": write_giant()}, "images/giant.png declares 30000 x 30000 pixels"),
}


@pytest.fixture(scope="module")
def run_with_bad_files(tmp_path_factory):
    """A data set of two good pairs and all the bad ones, downloaded and then refused by the encode stage."""
    project = Project(tmp_path_factory.mktemp("bad_files"), changes={"encode": DEFAULT["encode"] | {"unmatched": "error"}})
    for scene in ("good1", "good2"):
        project.add(scene)
    for scene, (pair, _) in BAD_FILES.items():
        project.add(scene, **pair)
    return project, project.run("download", "encode")


@pytest.mark.parametrize("scene", BAD_FILES)
def test_a_bad_file_is_named_with_its_fix(scene, run_with_bad_files):
    project, done = run_with_bad_files
    said = BAD_FILES[scene][1]
    check_refused(project, done, f"{len(BAD_FILES)} of {len(BAD_FILES) + 2} samples cannot be encoded", outputs=["raw"])
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(f"  - data/{said}")]
    assert "; fix: " in line
    assert "good" not in done.stderr


# Pictures that are unusual and right


def test_unusual_pictures_are_read(project):
    deep = PHOTO[..., 0].astype(np.uint16) << 8
    project.add("deep", deep + 77)
    project.add("grey", PHOTO[..., 0])
    project.add("alpha", np.dstack([PHOTO, PHOTO[..., 0]]))
    project.add("cmyk", Image.fromarray(PHOTO).convert("CMYK"), suffix=".jpg")
    project.add("turned", turn(PHOTO), np.rot90(MASK, -1).copy())
    cv2.imwrite(str(project.folder / "data" / "images" / "rgb16.png"), PHOTO[..., ::-1].astype(np.uint16) << 8)
    project.add("rgb16", None)
    project.source["stretch"] = None  # the high byte
    done = project.run("download", "encode")
    assert done.returncode == 0, done.stderr
    encoded = project.folder / "build" / "encoded"
    samples = pd.read_csv(encoded / "samples.csv").set_index("id")
    pictures = {name: read_picture(encoded / samples.loc[name, "image"]) for name in samples.index}
    with Image.open(project.folder / "data" / "images" / "cmyk.jpg") as picture:
        cmyk = np.asarray(picture.convert("RGB"))
    expected = {
        "alpha": PHOTO,
        "cmyk": cmyk,
        "deep": PHOTO[..., :1],
        "grey": PHOTO[..., :1],
        "rgb16": PHOTO,
        "turned": np.rot90(PHOTO, -1),
    }
    assert sorted(pictures) == sorted(expected)
    for name, picture in pictures.items():
        np.testing.assert_array_equal(picture, expected[name], err_msg=name)
        labels = np.rot90(LABELS, -1) if name == "turned" else LABELS
        np.testing.assert_array_equal(read_label_mask(encoded / samples.loc[name, "mask"]), labels, err_msg=name)


# What the download stage refuses


def test_missing_mask(project):
    project.add("whole")
    project.add("alone", mask=None)
    check_refused(project, project.run("download"), "1 pictures below data have no mask", "images/alone.png")


def test_empty_folder(project):
    (project.folder / "data").mkdir()
    check_refused(project, project.run("download"), "data holds no files", "source.path")


def test_picture_that_is_a_link_to_nowhere(project):
    project.add("whole")
    project.add("lost", image=None)
    (project.folder / "data" / "images" / "lost.png").symlink_to("gone.png")
    check_refused(project, project.run("download"), "1 of 2 pictures cannot be opened", "data/images/lost.png: No such file")


def write_zip_that_leaves(path):
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("images/a.png", b"1")
        opened.writestr("../../../../escaped.txt", b"1")


def write_tar_with_link(path):
    link = tarfile.TarInfo("images/b.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hosts"
    with tarfile.open(path, "w") as opened:
        opened.addfile(tarfile.TarInfo("images/a.png"), io.BytesIO())
        opened.addfile(link)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (write_zip_that_leaves, "set.archive is refused: its member '../../../../escaped.txt' points out of the folder"),
        (write_tar_with_link, "set.archive is refused: its member 'images/b.png' is a link"),
    ],
)
def test_unsafe_archive(write, said, project):
    write(project.folder / "set.archive")
    project.source["path"] = "set.archive"
    check_refused(project, project.run("download"), said)
    assert not list(project.folder.parent.rglob("escaped.txt"))


def test_wrong_checksum(project, served):  # noqa: F811
    served.content = b"not what was promised"
    project.source |= {"url": f"{served.address}/data.zip", "sha256": "0" * 64}
    check_refused(project, project.run("download"), f"{served.address}/data.zip has the sha256", f"source.sha256 {'0' * 64}")
    assert not [path for path in (project.folder / ".maskmill").rglob("*") if path.is_file()]


# What params.yaml can have wrong


def test_typo_in_params(project):
    project.changes = {"encode": {"tolerence": 48.0, "unmatched": "nearest", "max_pixels": 100}}
    done = project.run("download")
    check_refused(project, done, "params.yaml", "encode.tolerence is not a setting; did you mean tolerance?")


def test_colour_out_of_range(project):
    project.changes = {"classes": [{"id": 0, "name": "field", "colours": [[214, 193, 300]]}]}
    check_refused(project, project.run("download"), "params.yaml", "classes.0.colours.0.2 = 300", "less than or equal to 255")


def test_repeated_class_id(project):
    project.add("a")
    project.add("b")
    project.changes = {"classes": [{"id": 0, "name": name, "colours": [list(FIELD)]} for name in ("field", "woods")]}
    done = project.run("download", "encode")
    check_refused(project, done, "id 0 is given 2 times", "classes section of params.yaml", outputs=["raw"])


def test_params_that_are_no_utf8(project):
    (project.folder / "params.yaml").write_bytes("source: {name: Dübendorf}\n".encode("latin-1"))
    check_refused(project, project.run_as_it_is("download"), "params.yaml is not UTF-8")
