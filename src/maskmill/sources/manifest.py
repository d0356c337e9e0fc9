"""The manifest: one row a sample, the same for every form, which all later stages start from."""

import hashlib
import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from maskmill.errors import SourceError, summarise_problems
from maskmill.outputs import new_file
from maskmill.sources.pairing import Pair
from maskmill.sources.settings import SampleFiles, Window

COLUMNS = ["id", "image", "mask", "window", "split", "group", "sha256"]
MAY_BE_EMPTY = {"window", "split"}
FILE_SEPARATOR = "|"  # between the files of a picture whose bands lie in several
SPLITS = ("train", "val", "test", "")
MAX_ID_LENGTH = 150  # leaves room for suffixes below the 255 bytes of a file name
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def name_samples(pairs: Sequence[Pair], group: str | None) -> pd.DataFrame:
    """Give each pair its id and its group.

    Args:
        pairs: image and mask files with their fields and their cells of the source's table.
        group: text with {field}s or {column}s, e.g. "{flight}"; None: each sample is its own group. A field goes before a column.

    Returns:
        A table id, image, mask, split, group, band_files, window and scene, sorted by id: `scene` is the id of the whole picture,
        `id` adds where a window lies in it, and without a `group` the windows of one scene are one.

    Raises:
        SourceError: `group` names a field that neither the pattern nor the table has, or comes out empty.
    """
    scenes = _build_ids([pair.fields for pair in pairs])
    table = {
        "id": [scene + _name_window(pair.window) for scene, pair in zip(scenes, pairs, strict=True)],
        "image": [pair.image for pair in pairs],
        "mask": [pair.mask for pair in pairs],
        "split": [pair.split for pair in pairs],
        "group": scenes if group is None else _build_groups(group, pairs),
        "band_files": [pair.band_files for pair in pairs],
        "window": [pair.window for pair in pairs],
        "scene": scenes,
    }
    return pd.DataFrame(table, dtype=object).sort_values("id", ignore_index=True)


def limit_samples(samples: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """Keep `limit` samples: each part in proportion and at least one of it, evenly spaced over its sorted ids."""
    if limit is None or limit >= len(samples):
        return samples
    parts = [part.sort_values("id") for _, part in samples.groupby("split")]
    counts = _share([len(part) for part in parts], limit)
    # the middle of each of `count` equal stretches
    kept = [
        part.iloc[[(2 * k + 1) * len(part) // (2 * count) for k in range(count)]] for part, count in zip(parts, counts, strict=True)
    ]
    return pd.concat(kept).sort_values("id", ignore_index=True)


def check_manifest(manifest: pd.DataFrame) -> None:
    """Raise SourceError unless the table has the manifest's columns, rows, no empty cell where one is needed, safe, unique ids."""
    if list(manifest.columns) != COLUMNS:
        raise SourceError(
            f"the manifest has the columns {', '.join(manifest.columns)}",
            expected=", ".join(COLUMNS),
            fix="run the download stage again",
        )
    if manifest.empty:
        raise SourceError("the manifest has no samples", fix="check source.images and source.path")
    problems = [f"{row['id'] or 'a row'}: {problem}" for row in manifest.to_dict("records") for problem in _check_row(row)]
    times = Counter(str(name).casefold() for name in manifest["id"])
    problems += [f"{name}: stands there {count} times" for name, count in times.items() if count > 1]
    if problems:
        raise SourceError(
            f"{len(problems)} rows of the manifest cannot be used:\n{summarise_problems(problems)}",
            fix="run the download stage again; a manifest is not edited by hand",
        )


def write_manifest(manifest: pd.DataFrame, path: Path) -> None:
    """Write a checked manifest as CSV, whole or not at all."""
    check_manifest(manifest)
    with new_file(path) as temporary:
        manifest.to_csv(temporary, index=False, lineterminator="\n")


def read_manifest(path: Path) -> pd.DataFrame:
    """Read a manifest, all columns as text, and check it; raise SourceError where it is absent or unfit."""
    if not path.is_file():
        raise SourceError(f"{path} does not exist", fix="run the download stage: dvc repro download")
    manifest = pd.read_csv(path, dtype=str, keep_default_na=False)
    check_manifest(manifest)
    return manifest


def describe_manifest(manifest: pd.DataFrame, form: str) -> str:
    """Say in a line how many samples and groups there are, and which of the source's own parts they are in."""
    counts = manifest["split"].value_counts()
    parts = ", ".join(f"{counts[split]} {split or 'without one'}" for split in SPLITS if split in counts)
    parts = f"parts: {parts}" if set(counts.index) != {""} else "no parts of its own, encode draws them"
    return f"{len(manifest)} samples, {manifest['group'].nunique()} groups, form {form}; {parts}"


def _build_ids(all_fields: Sequence[Mapping[str, str]]) -> list[str]:
    """Join each sample's values into a file name; names that other values have too, or too long ones, get a hash of the values."""
    plain = [_UNSAFE.sub("_", "-".join(fields.values()).replace("/", "-")).lstrip(".") for fields in all_fields]
    distinct = {(name.casefold(), *fields.values()) for name, fields in zip(plain, all_fields, strict=True)}
    times = Counter(name for name, *_ in distinct)
    return [
        name if name and len(name) <= MAX_ID_LENGTH and times[name.casefold()] == 1 else _add_hash(name, fields)
        for name, fields in zip(plain, all_fields, strict=True)
    ]


def _add_hash(name: str, fields: Mapping[str, str]) -> str:
    digest = hashlib.sha256("\0".join(fields.values()).encode()).hexdigest()[:12]
    return f"{name[:MAX_ID_LENGTH]}-{digest}"


def _name_window(window: Window | None) -> str:
    return f"-r{window.row}-c{window.column}" if window else ""


def write_window(window: Window | None) -> str:
    """Return a window as the manifest has it: "row column height width", "" for none."""
    return " ".join(map(str, window)) if window else ""


def read_files(row: Mapping[Hashable, str]) -> SampleFiles:
    """Return where the sample of a manifest's row is."""
    images = tuple(map(Path, row["image"].split(FILE_SEPARATOR)))
    window = Window(*map(int, row["window"].split())) if row["window"] else None
    return SampleFiles(images, Path(row["mask"]), window)


def _build_groups(group: str, pairs: Sequence[Pair]) -> list[str]:
    groups = [_build_group(group, {**pair.cells, **pair.fields}) for pair in pairs]
    empty = [str(pair.image) for pair, name in zip(pairs, groups, strict=True) if not name]
    if empty:
        raise SourceError(
            f"source.group {group!r} is empty for {len(empty)} pictures:\n{summarise_problems(empty)}",
            fix="fill the cells of the table, or group by something else",
        )
    return groups


def _build_group(group: str, fields: Mapping[str, str]) -> str:
    try:
        return group.format_map(fields)
    except (KeyError, ValueError, IndexError, AttributeError):
        known = ", ".join(f"{{{name}}}" for name in fields)
        raise SourceError(
            f"source.group {group!r} names something that neither source.images nor source.table has",
            expected=f"fields of the pattern, columns of the table: {known}",
            fix="correct source.group; null makes each sample a group of its own",
        ) from None


def _share(sizes: Sequence[int], limit: int) -> list[int]:
    """Share `limit` out in proportion to `sizes`, at least one each: the largest remainder goes first."""
    quotas = [limit * size / sum(sizes) for size in sizes]
    counts = [max(1, int(quota)) for quota in quotas]
    by_remainder = sorted(range(len(sizes)), key=lambda part: counts[part] - quotas[part])
    for part in by_remainder[: max(0, limit - sum(counts))]:
        counts[part] += 1
    while sum(counts) > max(limit, len(sizes)):
        counts[counts.index(max(counts))] -= 1
    return counts


def _check_row(row: Mapping[Hashable, str]) -> list[str]:
    problems = [f"{column} is empty" for column in COLUMNS if column not in MAY_BE_EMPTY and not row[column]]
    if row["id"] and not _SAFE_ID.fullmatch(row["id"]):
        problems.append("the id is no safe file name")
    if row["split"] not in SPLITS:
        problems.append(f"split {row['split']!r} is none of train, val, test")
    return problems
