"""Archives: told by content, unpacked whole, refused when they are not what they should be."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskmill.errors import SourceError
from maskmill.sources.unpack import unpack

FILES = {"set/train/a b.jpg": b"picture" * 1000, "set/train/ä.png": b"mask", "set/empty.txt": b""}
JUNK = {"__MACOSX/set/train/._a b.jpg": b"x", "set/.DS_Store": b"x", "set/train/._a b.jpg": b"x", "set/Thumbs.db": b"x"}


def write_zip(path, files, **settings):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **settings) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path, files, mode="w", members=()):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for member in members:
            archive.addfile(member)
    return path


def read_folder(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_every_kind_by_content_and_without_junk(kind, tmp_path):
    archive = tmp_path / "download"  # no suffix to go by
    write_zip(archive, FILES | JUNK) if kind == "zip" else write_tar(archive, FILES | JUNK, kind)
    folder = unpack(archive, tmp_path / "out" / "files")
    assert read_folder(folder) == FILES
    assert [path.name for path in folder.parent.iterdir()] == ["files"]


def test_what_was_there_is_replaced(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "old.txt").write_text("old")
    assert read_folder(unpack(write_zip(tmp_path / "a.zip", FILES), tmp_path / "files")) == FILES


def test_backslashes_of_windows(tmp_path):
    assert read_folder(unpack(write_zip(tmp_path / "a.zip", {"set\\a.jpg": b"1"}), tmp_path / "files")) == {"set/a.jpg": b"1"}


@pytest.mark.parametrize("name", ["../evil.txt", "set/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:\\evil.txt"])
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_members_outside_are_refused(write, name, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    check_refused(write(inner / "archive", {"set/good.jpg": b"1", name: b"2"}), repr(name))
    assert not (tmp_path / "evil.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_tar_are_refused(kind, tmp_path):
    member = tarfile.TarInfo("set/odd")
    member.type, member.linkname = kind, "/etc/passwd"
    check_refused(write_tar(tmp_path / "a.tar", FILES, members=[member]), "'set/odd' is a link or a device")


def test_links_in_zip_are_refused(tmp_path):
    link = zipfile.ZipInfo("set/odd")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("set/good.jpg", b"1")
        archive.writestr(link, "/etc/passwd")
    check_refused(tmp_path / "a.zip", "'set/odd' is a link or a device")


def test_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.jpg": b"1"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    check_refused(path, "'a.jpg' is encrypted")


def test_bombs_are_refused(tmp_path):
    huge = tarfile.TarInfo("set/huge")
    huge.size = 1 << 40
    path = tmp_path / "a.tar"
    path.write_bytes(huge.tobuf() + bytes(10240))
    check_refused(path, "'set/huge' would bring the unpacked size above 1,073,741,824")
    write_zip(tmp_path / "b.zip", {"1.bmp": bytes(600), "2.bmp": bytes(600)})
    check_refused(tmp_path / "b.zip", "'2.bmp' would bring the unpacked size above 1,000", max_bytes=1000)


@pytest.mark.parametrize("kind", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_cut_short(kind, kept, tmp_path):
    archive = tmp_path / "archive"
    files = {f"{number}.jpg": bytes(range(256)) * 40 for number in range(5)}
    write_zip(archive, files) if kind == "zip" else write_tar(archive, files, kind)
    content = archive.read_bytes()
    if kind == "w":
        content = content[: 5 * (512 + 10240)]  # without the end's zeros
    archive.write_bytes(content[: int(len(content) * kept)])
    check_refused(archive, str(archive))


def test_changed_byte(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"picture" * 100)
    path.write_bytes(path.read_bytes().replace(b"picture", b"pictuRe", 1))
    check_refused(path, "a.jpg")


@pytest.mark.parametrize("content", [b"", b"just text", b"\x1f\x8b nothing", b"\x89PNG\r\n\x1a\n"])
def test_no_archive(content, tmp_path):
    (tmp_path / "a.zip").write_bytes(content)
    check_refused(tmp_path / "a.zip", "a.zip")


def test_file_and_folder_of_one_name(tmp_path):
    check_refused(write_tar(tmp_path / "a.tar", {"a": b"1", "a/b": b"2"}), "cannot be unpacked")


@settings(max_examples=60)
@given(position=st.floats(0, 1), change=st.binary(min_size=1, max_size=8), kind=st.sampled_from(["zip", "w", "w:gz", "w:xz"]))
def test_any_damage_is_a_source_error_or_harmless(tmp_path_factory, position, change, kind):
    folder = tmp_path_factory.mktemp("damage")
    archive = folder / "archive"
    write_zip(archive, FILES) if kind == "zip" else write_tar(archive, FILES, kind)
    content = bytearray(archive.read_bytes())
    start = int(position * len(content))
    content[start : start + len(change)] = change
    archive.write_bytes(content)
    try:
        unpack(archive, folder / "files")
    except SourceError:
        assert sorted(path.name for path in folder.iterdir()) == ["archive"]


def check_refused(archive: Path, said: str, **settings: int) -> None:
    before = set(archive.parent.rglob("*"))
    with pytest.raises(SourceError) as error:
        unpack(archive, archive.parent / "files", **settings)
    assert said in str(error.value)
    assert error.value.fix
    assert set(archive.parent.rglob("*")) == before
