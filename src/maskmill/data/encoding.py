"""A data set encoded: every picture upright, every mask of class ids, and an account of how well the masks matched."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from maskmill.data.progress import RECORDS, UNFINISHED, Record, describe_source, finish, open_progress, remember, take_over
from maskmill.data.samples import PIXELS, encode_sample
from maskmill.data.thumbnails import SIDE
from maskmill.errors import DataError, ParamsError, summarise_problems
from maskmill.labels import ClassTable, write_class_table
from maskmill.labels.bits import MOST_CLASSES
from maskmill.parallel import Workers, work_through
from maskmill.sources.settings import Reading
from maskmill.terminal import say

Assign = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


def encode_samples(
    manifest: pd.DataFrame,
    *,
    form: str,
    reading: Reading,
    class_table: ClassTable,
    labels: str,
    encoded_dir: Path,
    tolerance: float,
    unmatched: str,
    mask_size: str,
    assign: Assign,
    progress_dir: Path,
    workers: Workers,
) -> pd.DataFrame:
    """Write the pictures, masks, samples.csv, statistics.csv, classes.csv and thumbnails.npy of a data set, or nothing.

    Samples that an earlier run has encoded from the same bytes with the same settings are not encoded again, whether it finished,
    was interrupted or met bad files; the result is the same as if they were.

    A picture that already is upright, 8-bit, and grey or RGB is copied byte for byte; any other becomes a PNG. samples.csv gives
    each file's own channels: a set with only grey pictures is a grey one, one with some in RGB is RGB, and its readers repeat grey.

    Args:
        manifest: columns id, image, mask, window, split, group; one row a sample.
        form: the form of the source, a name in maskmill.sources.forms.FORMS.
        reading: how pictures and masks are read.
        class_table: the classes.
        labels: "exclusive" (masks uint8, one class a pixel, 255 = void) or "overlapping" (uint16, one bit a class, bit 15 = void).
        encoded_dir: the folder to write; what was there is replaced.
        tolerance: Euclidean RGB distance up to which a pixel counts as matching its class colour.
        unmatched: "nearest", "void" or "error": what becomes of a pixel farther than that. Ids and labels have no nearest class:
            unknown ones are an error unless this is "void".
        mask_size: "error" or "resize": what becomes of a mask of another size than its picture.
        assign: settles the split (train, val or test) when all samples are encoded: from the manifest, and bool (a row a sample by
            its id, a column a class by its name), whether the class has a pixel in the mask, to the manifest in the same order.
        progress_dir: what is kept from run to run; on the disk of `encoded_dir`.
        workers: how the samples are shared out. The files do not depend on it.

    Returns:
        statistics.csv as a table: sizes, image_hash (of shape and decoded pixels), the fractions exact, tolerated, unmatched and
        void of each mask's pixels, and the pixels of each class.

    Raises:
        DataError: samples that cannot be encoded, all of them listed.
        ParamsError: the masks are painted in colours, and no class has one; or more overlapping classes than there are bits.
    """
    if labels == "overlapping" and class_table.num_classes > MOST_CLASSES:
        raise ParamsError(
            f"there are {class_table.num_classes} classes, and encode.labels is overlapping",
            expected=f"at most {MOST_CLASSES}, one bit each of 16, and one for void",
            fix="set encode.labels to exclusive, or unite classes",
        )
    settings: dict[str, Any] = {
        "form": form,
        "reading": reading,
        "class_table": class_table,
        "labels": labels,
        "tolerance": tolerance,
        "unmatched": unmatched,
        "mask_size": mask_size,
    }
    manifest = manifest.sort_values("id", ignore_index=True)
    rows = manifest.to_dict("records")
    records = _encode_all(rows, progress_dir=progress_dir, encoded_dir=encoded_dir, workers=workers, settings=settings)
    manifest = assign(manifest, _find_presence(records, class_table))
    samples, statistics = _build_samples(manifest, records), _build_statistics(manifest, records)
    _check_channels(samples)
    folder = progress_dir / UNFINISHED
    samples.to_csv(folder / "samples.csv", index=False, lineterminator="\n")
    statistics.to_csv(folder / "statistics.csv", index=False, lineterminator="\n")
    write_class_table(class_table, folder / "classes.csv")
    np.save(folder / "thumbnails.npy", _stack_thumbnails(records))
    finish(progress_dir, {*samples["image"], *samples["mask"]}, encoded_dir)
    return statistics


def describe_matches(statistics: pd.DataFrame) -> str:
    """Say in a line what part of all mask pixels matches exactly, within the tolerance, or not, and is void."""
    areas = statistics["mask_height"] * statistics["mask_width"]
    parts = [f"{np.average(statistics[name], weights=areas):.2%} {name}" for name in ("exact", "tolerated", "unmatched", "void")]
    return f"{len(statistics)} samples, mask pixels: {', '.join(parts)}"


def build_class_summary(statistics: pd.DataFrame, class_table: ClassTable) -> Table:
    """Return a table of each class's pixels, its part of all that are not void, and the masks that have it."""
    table = Table("class", "pixels", "per cent", "masks", title="classes, all splits")
    counts = statistics[[PIXELS + name for name in class_table.names]]
    areas = statistics["mask_height"] * statistics["mask_width"]
    total = max(1, round((areas * (1 - statistics["void"])).sum()))
    for name in class_table.names:
        pixels = counts[PIXELS + name]
        table.add_row(name, f"{pixels.sum():,}", f"{100 * pixels.sum() / total:.2f}", f"{(pixels > 0).sum()}")
    return table


def describe_shared(class_table: ClassTable) -> list[str]:
    """Say of each colour that several classes claim which of them gets its pixels."""
    return [
        f"colour {list(colour)} is claimed by {', '.join(names)}: {names[0]} gets it"
        for colour, names in class_table.shared.items()
    ]


def describe_worst(statistics: pd.DataFrame, most: int = 5) -> list[str]:
    """Name the masks with the largest unmatched fractions, up to `most` of those that have any."""
    worst = statistics[statistics["unmatched"] > 0].sort_values(["unmatched", "id"], ascending=[False, True]).head(most)
    return [f"{fraction:.2%} unmatched in {mask}" for fraction, mask in zip(worst["unmatched"], worst["source_mask"], strict=True)]


def _try_to_encode(
    row: Mapping[Hashable, Any], kept: Record | None, *, unfinished: Path, former: Path, **settings: Any
) -> Record | str | None:
    """Return what is to be kept of the sample, None where that is as it was, or what is wrong with it in a line."""
    source = describe_source(row)
    if kept is not None and take_over(kept, source, unfinished, former):
        return None
    try:
        return encode_sample(row, source, unfinished, **settings)
    except DataError as error:
        hints = [f"expected: {error.expected}"] * bool(error.expected) + [f"fix: {error.fix}"] * bool(error.fix)
        return "; ".join([error.what, *hints])


def _encode_all(
    rows: Sequence[Mapping[Hashable, Any]], *, progress_dir: Path, encoded_dir: Path, workers: Workers, settings: dict[str, Any]
) -> list[Record]:
    """Have the files of all samples in the unfinished folder; return what is kept of them."""
    records = open_progress(progress_dir, settings, {row["id"] for row in rows})
    folder = progress_dir / UNFINISHED
    encode = partial(_try_to_encode, unfinished=folder, former=encoded_dir, **settings)
    tasks = [(row, records.get(row["id"])) for row in rows]
    problems, num_encoded = [], 0
    with (progress_dir / RECORDS).open("a", encoding="utf-8") as log:
        for outcome in work_through(encode, tasks, workers=workers, folder=folder, description="encoding"):
            if isinstance(outcome, str):
                problems.append(outcome)
            elif outcome is not None:
                remember(log, outcome)
                records[outcome.id] = outcome
                num_encoded += 1
    if problems:
        raise DataError(
            f"{len(problems)} of {len(rows)} samples cannot be encoded:\n{summarise_problems(problems)}",
            fix="correct or remove these files, then run the stages from download on again",
        )
    say(f"encoded {num_encoded} of {len(rows)} samples, {len(rows) - num_encoded} as they were")
    return [records[row["id"]] for row in rows]


def _check_channels(samples: pd.DataFrame) -> None:
    """Refuse pictures of several channel counts, but for grey ones among RGB ones."""
    counts = samples["channels"].value_counts()
    if len(counts) == 1 or set(counts.index) == {1, 3}:
        return
    examples = [
        f"{number} channels: {times} pictures, e.g. {samples[samples['channels'] == number]['id'].iloc[0]}"
        for number, times in counts.items()
    ]
    raise DataError(
        f"the pictures differ in their channels:\n{summarise_problems(examples)}",
        expected="one number of channels (grey pictures may be among RGB ones)",
        fix="name the bands that all have in source.bands, or take the others out",
    )


def _build_samples(manifest: pd.DataFrame, records: Sequence[Record]) -> pd.DataFrame:
    """Return samples.csv."""
    names = [(record.image, record.mask) for record in records]
    sizes = [[record.statistics[name] for name in ("image_height", "image_width", "channels")] for record in records]
    return pd.concat(
        [
            manifest[["id"]],
            pd.DataFrame(names, columns=["image", "mask"]),
            manifest[["split", "group"]],
            pd.DataFrame(sizes, columns=["height", "width", "channels"]),
        ],
        axis=1,
    )


def _build_statistics(manifest: pd.DataFrame, records: Sequence[Record]) -> pd.DataFrame:
    """Return statistics.csv."""
    known = manifest[["id", "image", "mask", "split", "group"]].rename(columns={"image": "source_image", "mask": "source_mask"})
    return pd.concat([known, pd.DataFrame([record.statistics for record in records])], axis=1)


def _find_presence(records: Sequence[Record], class_table: ClassTable) -> pd.DataFrame:
    """Return whether a class has a pixel in a sample's mask: bool, a row an id, a column a class."""
    has_pixels = [[record.statistics[PIXELS + name] > 0 for name in class_table.names] for record in records]
    return pd.DataFrame(has_pixels, index=[record.id for record in records], columns=list(class_table.names), dtype=bool)


def _stack_thumbnails(records: Sequence[Record]) -> NDArray[np.uint8]:
    """Return all thumbnails, uint8 (N, SIDE, SIDE)."""
    content = b"".join(bytes.fromhex(record.thumbnail) for record in records)
    return np.frombuffer(content, np.uint8).reshape(-1, SIDE, SIDE)
