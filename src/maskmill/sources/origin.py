"""From what params.yaml names (a folder, an archive, an address) to a folder with the pictures."""

from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from maskmill.errors import SourceError
from maskmill.sources.fetch import fetch
from maskmill.sources.unpack import unpack


def open_source(path: Path, *, url: str | None, sha256: str | None, downloads: Path, unpacked: Path) -> Path:
    """Return the folder that holds the pictures: `path` itself, or `unpacked` with what an archive held.

    Args:
        path: a folder or an archive; plays no part when there is a `url`.
        url: address of an archive.
        sha256: of what `url` gives.
        downloads: folder that keeps fetched archives, whole or begun, from run to run.
        unpacked: folder to unpack into.

    Raises:
        SourceError: there is nothing, or it cannot be fetched or unpacked.
    """
    if url:
        if not sha256:
            raise SourceError(f"source.url {url} has no source.sha256", fix="put the archive's checksum there")
        name = PurePosixPath(urlsplit(url).path).name or "archive"
        return unpack(fetch(url, sha256, downloads / sha256[:16] / name), unpacked)
    if path.is_dir():
        return path
    if path.is_file():
        return unpack(path, unpacked)
    raise SourceError(
        f"{path} does not exist",
        expected="source.path: a folder or an archive with pictures and masks",
        fix="correct source.path in params.yaml; the bundled sample comes with: dvc pull data.dvc",
    )
