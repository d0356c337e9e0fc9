"""What an interrupted encoding has done, kept for the next one: finished files, and the rows that they gave."""

import hashlib
import json
import shutil
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import maskmill
from maskmill.outputs import new_file
from maskmill.sources.manifest import read_files

KEY = "settings.sha256"
ROWS = "rows"


def open_progress(folder: Path, settings: Mapping[str, Any]) -> None:
    """Make `folder` ready to be filled or gone on with: what other settings, or other code, have left there is deleted."""
    package = Path(maskmill.__file__).parent
    code = {path.relative_to(package).as_posix(): path.read_bytes() for path in sorted(package.rglob("*.py"))}
    key = hashlib.sha256(repr((sorted(settings.items(), key=lambda item: item[0]), code)).encode()).hexdigest()
    note = folder / KEY
    if not note.is_file() or note.read_text() != key:
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("images", "masks", ROWS):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with new_file(note) as temporary:
        temporary.write_text(key)


def recall(folder: Path, row: Mapping[Hashable, Any]) -> list[dict[str, Any]] | None:
    """Return what `remember` was given for a manifest's row; None where it was not, or where its files have changed since."""
    try:
        kept = json.loads((folder / ROWS / f"{row['id']}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return kept["tables"] if kept["source"] == _describe_source(row) else None


def remember(folder: Path, row: Mapping[Hashable, Any], *tables: Mapping[str, Any]) -> None:
    """Keep the rows of the tables that a sample gave; called last, when its files are whole."""
    with new_file(folder / ROWS / f"{row['id']}.json") as temporary:
        temporary.write_text(json.dumps({"source": _describe_source(row), "tables": tables}), encoding="utf-8")


def _describe_source(row: Mapping[Hashable, Any]) -> list[Any]:
    """Return the row, and the size and time of each of its files: what has changed when the sample has to be encoded again."""
    files = read_files(row)
    states = [(path.stat().st_size, path.stat().st_mtime_ns) for path in (*files.images, files.mask) if path.exists()]
    return [*(str(value) for value in row.values()), *(number for state in states for number in state)]
