"""Checksums of what the manifest names."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from maskmill.errors import SourceError, summarise_problems
from maskmill.sources.fetch import compute_sha256
from maskmill.terminal import track


def compute_checksums(samples: Sequence[tuple[Path, ...]]) -> list[str]:
    """Return the SHA-256 of each sample's picture; of several files, that of their checksums one after the other.

    Raises:
        SourceError: files that cannot be opened, as links to nowhere cannot; all of them are named.
    """
    paths = list(dict.fromkeys(path for files in samples for path in files))
    checksums: dict[Path, str] = {}
    problems = []
    for path in track(paths, "reading pictures", len(paths)):
        try:
            checksums[path] = compute_sha256(path)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    if problems:
        raise SourceError(
            f"{len(problems)} of {len(paths)} pictures cannot be opened:\n{summarise_problems(problems)}",
            fix="mend the links or the permissions, or move these files and their masks elsewhere",
        )
    return [_join([checksums[path] for path in files]) for files in samples]


def _join(checksums: Sequence[str]) -> str:
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("".join(checksums).encode()).hexdigest()
