"""Every sample as a picture that is upright and a mask of class ids, and an account of how well the masks matched."""

import hashlib
import shutil
from collections.abc import Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from maskmill import outputs, pictures
from maskmill.data.masks import count_pixels, encode_exclusive, encode_overlapping, get_size, resize_raw_mask
from maskmill.data.progress import open_progress, recall, remember
from maskmill.errors import DataError, ParamsError, summarise_problems
from maskmill.labels import ClassTable, write_class_table
from maskmill.labels.bits import MOST_CLASSES
from maskmill.labels.classes import VOID
from maskmill.labels.colours import EXACT, TOLERATED, UNMATCHED
from maskmill.parallel import Workers, work_through
from maskmill.sources.forms import read_sample
from maskmill.sources.manifest import read_files
from maskmill.sources.settings import Reading, SampleFiles

SAMPLE_COLUMNS = ["id", "image", "mask", "split", "group", "height", "width", "channels"]
MOST_STRETCHING = 1.1  # of a mask that is resized: rounding and a cropped edge, not another picture
PIXELS = "pixels_"  # statistics.csv: pixels_<class name>


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
    progress_dir: Path,
    workers: Workers,
) -> pd.DataFrame:
    """Write the pictures, masks, samples.csv, statistics.csv and classes.csv of a data set, all of them or nothing.

    Samples that an interrupted run, or one that met bad files, has finished are not encoded again.

    A picture that already is upright, 8-bit, and grey or RGB is copied byte for byte; any other becomes a PNG. samples.csv gives
    each file's own channels: a set with only grey pictures is a grey one, one with some in RGB is RGB, and its readers repeat grey.

    Args:
        manifest: columns id, image, mask, window, split (train, val or test), group; one row a sample.
        form: the form of the source, a name in maskmill.sources.forms.FORMS.
        reading: how pictures and masks are read.
        class_table: the classes.
        labels: "exclusive" (masks uint8, one class a pixel, 255 = void) or "overlapping" (uint16, one bit a class, bit 15 = void).
        encoded_dir: the folder to write; what was there is replaced.
        tolerance: Euclidean RGB distance up to which a pixel counts as matching its class colour.
        unmatched: "nearest", "void" or "error": what becomes of a pixel farther than that. Ids and labels have no nearest class:
            unknown ones are an error unless this is "void".
        mask_size: "error" or "resize": what becomes of a mask of another size than its picture.
        progress_dir: keeps finished samples until all are; on the disk of `encoded_dir`.
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
    open_progress(progress_dir, settings)
    rows = manifest.sort_values("id").to_dict("records")
    encode = partial(_try_to_encode, folder=progress_dir, **settings)
    tasks = [(row,) for row in rows]
    results = list(work_through(encode, tasks, workers=workers, folder=progress_dir, description="encoding"))
    problems = [result for result in results if isinstance(result, str)]
    if problems:
        raise DataError(
            f"{len(problems)} of {len(rows)} samples cannot be encoded:\n{summarise_problems(problems)}",
            fix="correct or remove these files, then run the stages from download on again",
        )
    samples, statistics = (pd.DataFrame(list(column)) for column in zip(*results, strict=True))
    _check_channels(samples)
    with outputs.new_folder(encoded_dir) as folder:
        for name in ("images", "masks"):
            (folder / name).mkdir()
        for name in (*samples["image"], *samples["mask"]):
            shutil.copyfile(progress_dir / name, folder / name)
        samples[SAMPLE_COLUMNS].to_csv(folder / "samples.csv", index=False, lineterminator="\n")
        statistics.to_csv(folder / "statistics.csv", index=False, lineterminator="\n")
        write_class_table(class_table, folder / "classes.csv")
    shutil.rmtree(progress_dir)
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


def _try_to_encode(row: Mapping[Hashable, Any], *, folder: Path, **settings: Any) -> list[dict[str, Any]] | str:
    """Return the sample's rows of samples.csv and statistics.csv, or what is wrong with it in a line."""
    try:
        if (tables := recall(folder, row)) is None:
            tables = list(_encode_sample(row, folder=folder, **settings))
            remember(folder, row, *tables)
        return tables
    except DataError as error:
        hints = [f"expected: {error.expected}"] * bool(error.expected) + [f"fix: {error.fix}"] * bool(error.fix)
        return "; ".join([error.what, *hints])


def _encode_sample(
    row: Mapping[Hashable, Any],
    *,
    form: str,
    reading: Reading,
    class_table: ClassTable,
    labels: str,
    folder: Path,
    tolerance: float,
    unmatched: str,
    mask_size: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    files = read_files(row)
    picture, raw_mask = read_sample(form, files, reading)
    if mask_size == "resize":
        _check_ratios(files, picture, get_size(raw_mask))
        raw_mask = resize_raw_mask(raw_mask, (picture.shape[0], picture.shape[1]))
    else:
        _check_sizes(files, picture, get_size(raw_mask))
    encode = encode_exclusive if labels == "exclusive" else encode_overlapping
    label_mask, matches = encode(raw_mask, files.mask, class_table, tolerance=tolerance, unmatched=unmatched)

    mask_name = f"masks/{row['id']}.png"
    (folder / mask_name).write_bytes(pictures.encode_label_mask(label_mask, class_table.palette))
    image_name = _write_picture(picture, files, folder, row["id"], is_whole=reading.bands is None)
    height, width, num_channels = picture.shape
    sample = {"id": row["id"], "image": image_name, "mask": mask_name, "split": row["split"], "group": row["group"]}
    sample |= {"height": height, "width": width, "channels": num_channels}
    return sample, _account(row, picture, label_mask, matches, class_table)


def _check_sizes(files: SampleFiles, picture: NDArray[np.uint8], mask_size: tuple[int, int]) -> None:
    (height, width), (mask_height, mask_width) = picture.shape[:2], mask_size
    if (height, width) == (mask_height, mask_width):
        return
    fix = "give both the same size, correct the pairing in the source section, or set encode.mask_size to resize"
    if (height, width) == (mask_width, mask_height) and pictures.swaps_sides(files.images[0]):
        fix = "the picture's EXIF data turn it by a quarter and the mask is as it was before: turn the mask likewise"
    raise DataError(
        f"{files.mask} is {mask_width} x {mask_height} pixels, its picture {files.images[0]} is {width} x {height}",
        expected="a mask of its picture's size",
        fix=fix,
    )


def _check_ratios(files: SampleFiles, picture: NDArray[np.uint8], mask_size: tuple[int, int]) -> None:
    """Refuse to resize a mask whose sides are in another ratio: it belongs to another picture, or is turned."""
    (height, width), (mask_height, mask_width) = picture.shape[:2], mask_size
    stretching = (width * mask_height) / (height * mask_width)
    if max(stretching, 1 / stretching) > MOST_STRETCHING:
        raise DataError(
            f"{files.mask} is {mask_width} x {mask_height} pixels, its picture {files.images[0]} is {width} x {height}",
            expected=f"sides in the same ratio, within {MOST_STRETCHING - 1:.0%}",
            fix="correct the pairing in the source section, or turn or crop the mask as its picture is",
        )


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


def _write_picture(picture: NDArray[np.uint8], files: SampleFiles, folder: Path, name: str, *, is_whole: bool) -> str:
    """Copy a picture's file where its bytes can stay (all of one file that is no mask too), else write it; return its name."""
    image_path = files.images[0]
    is_file = is_whole and len(files.images) == 1 and files.window is None and image_path != files.mask
    if is_file and pictures.is_kept_as_it_is(image_path):
        image_name = f"images/{name}{image_path.suffix.lower()}"
        shutil.copyfile(image_path, folder / image_name)
    else:
        image_name = f"images/{name}{pictures.picture_suffix(picture.shape[2])}"
        (folder / image_name).write_bytes(pictures.encode_picture(picture))
    return image_name


def _account(
    row: Mapping[Hashable, Any],
    picture: NDArray[np.uint8],
    label_mask: NDArray[np.unsignedinteger],
    matches: NDArray[np.uint8],
    class_table: ClassTable,
) -> dict[str, Any]:
    """Return the sample's row of statistics.csv."""
    height, width, num_channels = picture.shape
    area = label_mask.size
    by_match = np.bincount(matches.reshape(-1), minlength=3)
    by_id = count_pixels(label_mask)
    return {
        "id": row["id"],
        "source_image": row["image"],
        "source_mask": row["mask"],
        "split": row["split"],
        "group": row["group"],
        "image_height": height,
        "image_width": width,
        "mask_height": label_mask.shape[0],
        "mask_width": label_mask.shape[1],
        "channels": num_channels,
        "image_hash": hashlib.sha256(f"{picture.shape}".encode() + picture.tobytes()).hexdigest(),
        "exact": float(by_match[EXACT] / area),
        "tolerated": float(by_match[TOLERATED] / area),
        "unmatched": float(by_match[UNMATCHED] / area),
        "void": float(by_id[VOID] / area),
        **{PIXELS + name: int(by_id[number]) for number, name in enumerate(class_table.names)},
    }
