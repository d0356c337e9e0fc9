"""What earlier encodings have done, finished or interrupted: the files of each sample, and all that they were made from.

The folder keeps, beside the files of an unfinished encoding, a line of JSON for each sample that is done. A file is taken over
from there or from the former encoded folder only where its bytes are those that were written, and none is ever written into:
its bytes may be in DVC's cache, too.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import maskmill
from maskmill.outputs import new_file
from maskmill.sources.forms import list_files
from maskmill.sources.manifest import read_files

KEY = "settings.sha256"
RECORDS = "samples.jsonl"
UNFINISHED = "unfinished"  # becomes the encoded folder
FORMER = "former"  # the encoded folder that it takes the place of
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "pycocotools", "rasterio")  # whose releases may give other bytes


@dataclass(frozen=True)
class Record:
    """What is kept of an encoded sample; neither its split nor its group, which are settled when all are encoded.

    Args:
        id: of the sample.
        source: what it was made from, as `describe_source` gives it.
        image: the picture's name in the encoded folder.
        mask: the label mask's.
        checksums: the SHA-256 of both.
        statistics: its row of statistics.csv, from image_height on.
        thumbnail: its bytes in hexadecimal digits.
    """

    id: str
    source: dict[str, str]
    image: str
    mask: str
    checksums: tuple[str, str]
    statistics: dict[str, Any]
    thumbnail: str


def open_progress(folder: Path, settings: Mapping[str, Any], ids: Collection[str]) -> dict[str, Record]:
    """Make a folder ready to go on with.

    Args:
        folder: what other settings, other code or other releases of the libraries have left there is deleted.
        settings: all that decides what becomes of a sample.
        ids: of the samples; what the folder keeps of others is deleted.

    Returns:
        what it keeps, by id.
    """
    package = Path(maskmill.__file__).parent
    code = {path.relative_to(package).as_posix(): path.read_bytes() for path in sorted(package.rglob("*.py"))}
    releases = [importlib.metadata.version(name) for name in LIBRARIES]
    key = hashlib.sha256(repr((sorted(settings.items()), code, releases)).encode()).hexdigest()
    note = folder / KEY
    if not note.is_file() or note.read_text() != key:
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("images", "masks"):
        (folder / UNFINISHED / name).mkdir(parents=True, exist_ok=True)
    with new_file(note) as temporary:
        temporary.write_text(key)
    kept = {name: record for name, record in _read_records(folder / RECORDS).items() if name in ids}
    with new_file(folder / RECORDS) as temporary, temporary.open("w", encoding="utf-8") as log:
        for record in kept.values():
            remember(log, record)
    return kept


def remember(log: TextIO, record: Record) -> None:
    """Append a sample to the file RECORDS, when its files are whole."""
    log.write(json.dumps(vars(record)) + "\n")
    log.flush()


def take_over(record: Record, source: Mapping[str, str], unfinished: Path, former: Path) -> bool:
    """Have the files of an earlier encoding in the folder `unfinished`, where they are as they would be made again.

    Args:
        record: what the earlier encoding has noted of the sample.
        source: what it would be made from now.
        unfinished: an encoded folder that is being filled.
        former: another one that is whole, if it exists.

    Returns:
        Whether the sample need not be encoded again.
    """
    if record.source != source:
        return False
    for name, checksum in zip((record.image, record.mask), record.checksums, strict=True):
        if _compute_checksum(unfinished / name) == checksum:
            continue
        if _compute_checksum(former / name) != checksum:
            return False
        _link(former / name, unfinished / name)
    return True


def describe_source(row: Mapping[Hashable, Any]) -> dict[str, str]:
    """Return what the sample of a manifest's row is made from: its files, with the checksums of their bytes, and its window."""
    checksums = {path.as_posix(): _compute_checksum(path) for path in list_files(read_files(row))}
    return {"image": row["image"], "mask": row["mask"], "window": row["window"], **checksums}


def finish(folder: Path, names: Collection[str], encoded_dir: Path) -> None:
    """Put the folder UNFINISHED in the place of `encoded_dir`, which is never there in part.

    Args:
        folder: as for `open_progress`.
        names: of all pictures and masks; what an interrupted encoding has left besides is deleted.
        encoded_dir: the folder to replace.
    """
    unfinished, former = folder / UNFINISHED, folder / FORMER
    for path in (*(unfinished / "images").iterdir(), *(unfinished / "masks").iterdir()):
        if path.relative_to(unfinished).as_posix() not in names:
            path.unlink()
    shutil.rmtree(former, ignore_errors=True)
    if encoded_dir.exists():
        shutil.move(encoded_dir, former)
    encoded_dir.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(unfinished, encoded_dir)
    shutil.rmtree(former, ignore_errors=True)


def _read_records(path: Path) -> dict[str, Record]:
    """Return the last record of each id; a line that an interruption cut short is none."""
    records = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        records[values["id"]] = Record(**values | {"checksums": tuple(values["checksums"])})
    return records


def _compute_checksum(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, "" where it cannot be read: whoever needs it says so."""
    try:
        state = path.stat()
        return _remembered_checksum(path, state.st_size, state.st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=64)
def _remembered_checksum(path: Path, _size: int, _changed: int) -> str:
    """Read a file once for all the windows that are cut from it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; a copy where the disk has no such links."""
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)  # of a symbolic link, as DVC may make them: the file itself
    except OSError:
        shutil.copyfile(source, target)
