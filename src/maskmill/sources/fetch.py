"""Fetching an archive from an address: it goes on where it was interrupted, and its checksum is right or it is not kept."""

import hashlib
from pathlib import Path

from maskmill.errors import SourceError
from maskmill.sources.remote import RemoteFile, explained_failures, open_remote
from maskmill.terminal import build_progress, track

CHUNK_BYTES = 1 << 20


def fetch(url: str, sha256: str, destination: Path) -> Path:
    """Fetch the file at `url`, unless `destination` already holds it.

    An interrupted download stays beside it as `<name>.part`, and the next call goes on from there.

    Args:
        url: http://, https:// or s3:// address of one file.
        sha256: of its bytes, 64 hexadecimal digits.
        destination: where the file goes; its folder is made.

    Returns:
        `destination`.

    Raises:
        SourceError: not reachable, no such file, broken off, or another checksum (nothing is kept then).
    """
    if destination.is_file() and compute_sha256(destination) == sha256:
        return destination
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f"{destination.name}.part")
    _download(url, part)
    found = compute_sha256(part)
    if found != sha256:
        part.unlink()
        raise SourceError(
            f"{url} has the sha256 {found}",
            expected=f"source.sha256 {sha256}",
            fix="run again if the download may be damaged; if the file was replaced there, check it and set source.sha256",
        )
    return part.replace(destination)


def compute_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits, with a bar for a large file."""
    num_chunks = -(-path.stat().st_size // CHUNK_BYTES)
    if num_chunks < 1024:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in track(iter(lambda: file.read(CHUNK_BYTES), b""), f"checking {path.name} (MiB)", num_chunks):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, part: Path) -> None:
    """Bring `part` up to the whole file."""
    offset = part.stat().st_size if part.exists() else 0
    with open_remote(url, offset) as remote:
        size = _append(url, remote, part)
    if remote.size is not None and size < remote.size:
        raise _broken_off(url, size, "the connection was closed")


def _append(url: str, remote: RemoteFile, part: Path) -> int:
    """Write what the server gives to `part`, from the server's offset on; return the size of `part`."""
    total = None if remote.size is None else -(-remote.size // CHUNK_BYTES)
    with part.open("r+b" if part.exists() else "wb") as file, build_progress() as progress:
        file.seek(remote.offset)
        file.truncate()
        bar = progress.add_task(f"fetching {part.stem} (MiB)", total=total, completed=remote.offset // CHUNK_BYTES)
        while chunk := _read_chunk(url, remote, file.tell()):
            file.write(chunk)
            progress.update(bar, completed=-(-file.tell() // CHUNK_BYTES))
        return file.tell()


def _read_chunk(url: str, remote: RemoteFile, position: int) -> bytes:
    try:
        with explained_failures(url):
            return remote.stream.read(CHUNK_BYTES)
    except SourceError as error:
        raise _broken_off(url, position, error.what) from None


def _broken_off(url: str, position: int, reason: str) -> SourceError:
    return SourceError(
        f"{url} broke off after {position:,} bytes: {reason}", fix="run the same command again: it goes on from there"
    )
