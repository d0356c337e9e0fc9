"""Unpacking an archive that nobody has to trust: only plain files, only below the destination, all or nothing."""

import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from maskmill.errors import SourceError
from maskmill.outputs import new_folder
from maskmill.sources.tree import JUNK_FOLDERS
from maskmill.terminal import build_progress

CHUNK_BYTES = 1 << 20
MAX_MEMBERS = 2_000_000
# Pictures hardly shrink, painted masks shrink a hundredfold; a bomb does so a thousand or a million times.
MAX_RATIO = 200
ALWAYS_ALLOWED_BYTES = 1 << 30
JUNK_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
# What the archive libraries raise for a file that was cut short or changed (a changed version number is not implemented).
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
)
UNPACK_YOURSELF = "get a whole archive, or, if you trust this one, unpack it yourself and set source.path to the folder"


@dataclass(frozen=True)
class _Member:
    """A plain file in an archive; `stream` gives its `size` bytes."""

    name: str
    size: int
    stream: IO[bytes]


def unpack(archive: Path, destination: Path, *, max_bytes: int | None = None) -> Path:
    """Unpack a zip or tar archive (plain, gzip, bzip2 or xz), told by its content, into a new folder.

    What macOS and Windows leave in archives (__MACOSX, .DS_Store, ._*, Thumbs.db) is skipped; permissions and
    owners are not taken over.

    Args:
        archive: the file.
        destination: the folder to make; one that is there is replaced once all is unpacked.
        max_bytes: most bytes to unpack; by default 1 GiB or 200 times the archive's size, whichever is more.

    Returns:
        `destination`.

    Raises:
        SourceError: no archive, cut short or damaged, encrypted, a member outside the folder (`../`, absolute), a link, a device,
            or more than `max_bytes`. Nothing is left then.
    """
    if max_bytes is None:
        max_bytes = max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * archive.stat().st_size)
    with archive.open("rb") as file, new_folder(destination) as folder, build_progress() as progress:
        bar = progress.add_task(f"unpacking {archive.name} (MiB)", total=-(-archive.stat().st_size // CHUNK_BYTES))
        unpacked = 0
        try:
            for member in _list_members(archive, file):
                unpacked += member.size
                if unpacked > max_bytes:
                    raise _refusal(archive, member.name, f"would bring the unpacked size above {max_bytes:,} bytes")
                _write(archive, member, folder)
                progress.update(bar, completed=file.tell() // CHUNK_BYTES)
            progress.update(bar, completed=-(-archive.stat().st_size // CHUNK_BYTES))
        except DAMAGE as error:
            reason = str(error) or type(error).__name__
            raise SourceError(f"{archive} cannot be unpacked: {reason}", expected="a whole archive", fix=UNPACK_YOURSELF) from None
    return destination


def _list_members(archive: Path, file: IO[bytes]) -> Iterator[_Member]:
    start = file.read(6)
    file.seek(0)
    members = _list_zip(archive, file) if start.startswith(ZIP_STARTS) else _list_tar(archive, file)
    for number, member in enumerate(members):
        if number >= MAX_MEMBERS:
            raise _refusal(archive, member.name, f"comes after {MAX_MEMBERS:,} others")
        yield member


def _list_zip(archive: Path, file: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as opened:
        for info in opened.infolist():
            if info.is_dir() or _is_junk(info.filename):
                continue
            kind = (info.external_attr >> 16) & 0o170000  # the Unix mode, 0 where another system packed it
            if kind not in (0, 0o100000):
                raise _refusal(archive, info.filename, "is a link or a device")
            if info.flag_bits & 0x1:
                raise _refusal(archive, info.filename, "is encrypted")
            try:
                stream = opened.open(info)
            except NotImplementedError as error:
                raise _refusal(archive, info.filename, f"is packed in a way that is not known here ({error})") from None
            with stream:
                yield _Member(info.filename, info.file_size, stream)


def _list_tar(archive: Path, file: IO[bytes]) -> Iterator[_Member]:
    try:
        opened = tarfile.open(fileobj=file, mode="r:*")  # noqa: SIM115  closed below
    except tarfile.ReadError:
        raise SourceError(
            f"{archive} is not an archive, or its beginning is damaged",
            expected="zip, tar, tar.gz, tar.bz2 or tar.xz",
            fix="check the file; pictures go into a folder or an archive",
        ) from None
    with opened:
        for info in opened:
            if info.isdir() or _is_junk(info.name):
                continue
            stream = opened.extractfile(info) if info.isfile() else None
            if stream is None:
                raise _refusal(archive, info.name, "is a link or a device")
            with stream:
                yield _Member(info.name, info.size, stream)
        # tarfile takes the end of the file for the end of the archive, which hides one that was cut between two members.
        assert opened.fileobj is not None
        opened.fileobj.seek(opened.offset)
        if not opened.fileobj.read(1):
            raise EOFError("it is cut short: its end mark is missing")


def _write(archive: Path, member: _Member, folder: Path) -> None:
    path = folder / _check_name(archive, member.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with path.open("wb") as file:
        while chunk := member.stream.read(min(CHUNK_BYTES, member.size - written)):
            written += file.write(chunk)
    if written < member.size:
        raise EOFError(f"it is cut short within {member.name}")


def _check_name(archive: Path, name: str) -> PurePosixPath:
    """Return a member's path below the destination; packers on Windows write backslashes."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or re.match("[A-Za-z]:", name):
        raise _refusal(archive, name, "has an absolute path")
    if ".." in path.parts:
        raise _refusal(archive, name, "points out of the folder (..)")
    if not path.parts or "\0" in name:
        raise _refusal(archive, name, "has no usable name")
    return path


def _is_junk(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return bool(parts) and (not JUNK_FOLDERS.isdisjoint(parts) or parts[-1] in JUNK_FILES or parts[-1].startswith("._"))


def _refusal(archive: Path, name: str, reason: str) -> SourceError:
    return SourceError(
        f"{archive} is refused: its member {name!r} {reason}",
        expected="plain files below one folder",
        fix=UNPACK_YOURSELF,
    )
