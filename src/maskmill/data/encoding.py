"""Every sample as a picture that is upright and a mask of class ids, and an account of how well the masks matched."""

import hashlib
import shutil
from collections.abc import Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from rich.table import Table

from maskmill import outputs, pictures
from maskmill.errors import DataError, summarise_problems
from maskmill.labels import ClassTable, map_colours, map_ids, write_class_table
from maskmill.labels.classes import VOID
from maskmill.labels.colours import EXACT, TOLERATED, UNMATCHED
from maskmill.sources.forms import read_pair
from maskmill.terminal import track

SAMPLE_COLUMNS = ["id", "image", "mask", "split", "group", "height", "width", "channels"]
PIXELS = "pixels_"  # statistics.csv: pixels_<class name>


def encode_samples(
    manifest: pd.DataFrame,
    *,
    form: str,
    image_side: str,
    class_table: ClassTable,
    encoded_dir: Path,
    tolerance: float,
    unmatched: str,
    max_pixels: int,
    jobs: int,
) -> pd.DataFrame:
    """Write the pictures, masks, samples.csv, statistics.csv and classes.csv of a data set, all of them or nothing.

    A picture that already is upright, 8-bit, and grey or RGB is copied byte for byte; any other becomes a PNG. samples.csv gives
    each file's own channels, 1 or 3: a set with only grey pictures is a grey one, any other is RGB, and its readers repeat grey.

    Args:
        manifest: columns id, image, mask (paths), split (train, val or test), group; one row a sample.
        form: the form of the source, a name in maskmill.sources.forms.FORMS.
        image_side: "left" or "right": the photo's half of a composite.
        class_table: the classes.
        encoded_dir: the folder to write; what was there is replaced.
        tolerance: Euclidean RGB distance up to which a pixel counts as matching its class colour.
        unmatched: "nearest", "void" or "error": what becomes of a pixel farther than that. Ids have no nearest class: unknown ones
            are an error unless this is "void".
        max_pixels: pictures that declare more are refused unread.
        jobs: number of processes; -1: one a core. The files do not depend on it.

    Returns:
        statistics.csv as a table: sizes, image_hash (of shape and decoded pixels), the fractions exact, tolerated, unmatched and
        void of each mask's pixels, and the pixels of each class.

    Raises:
        DataError: samples that cannot be encoded, all of them listed.
        ParamsError: the masks are painted in colours, and no class has one.
    """
    with outputs.new_folder(encoded_dir) as folder:
        for name in ("images", "masks"):
            (folder / name).mkdir()
        encode = partial(
            _try_to_encode,
            form=form,
            image_side=image_side,
            class_table=class_table,
            folder=folder,
            tolerance=tolerance,
            unmatched=unmatched,
            max_pixels=max_pixels,
        )
        rows = manifest.sort_values("id").to_dict("records")
        outcomes = Parallel(n_jobs=jobs, return_as="generator")(delayed(encode)(row) for row in rows)
        results = list(track(outcomes, "encoding", len(rows)))
        problems = [result for result in results if isinstance(result, str)]
        if problems:
            raise DataError(
                f"{len(problems)} of {len(rows)} samples cannot be encoded:\n{summarise_problems(problems)}",
                fix="correct or remove these files, then run the stages from download on again",
            )
        samples, statistics = (pd.DataFrame(list(column)) for column in zip(*results, strict=True))
        samples[SAMPLE_COLUMNS].to_csv(folder / "samples.csv", index=False, lineterminator="\n")
        statistics.to_csv(folder / "statistics.csv", index=False, lineterminator="\n")
        write_class_table(class_table, folder / "classes.csv")
    return statistics


def describe_matches(statistics: pd.DataFrame) -> str:
    """Say in a line what part of all mask pixels matches exactly, within the tolerance, or not, and is void."""
    areas = statistics["mask_height"] * statistics["mask_width"]
    parts = [f"{np.average(statistics[name], weights=areas):.2%} {name}" for name in ("exact", "tolerated", "unmatched", "void")]
    return f"{len(statistics)} samples, mask pixels: {', '.join(parts)}"


def build_class_summary(statistics: pd.DataFrame, class_table: ClassTable) -> Table:
    """Return a table of each class's pixels, its part of all labelled ones, and the masks that have it."""
    table = Table("class", "pixels", "per cent", "masks", title="classes, all splits")
    counts = statistics[[PIXELS + name for name in class_table.names]]
    total = max(1, int(counts.to_numpy().sum()))
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


def _try_to_encode(row: Mapping[Hashable, Any], **settings: Any) -> tuple[dict[str, Any], dict[str, Any]] | str:
    """Return the sample's rows of samples.csv and statistics.csv, or what is wrong with it in a line."""
    try:
        return _encode_sample(row, **settings)
    except DataError as error:
        hints = [f"expected: {error.expected}"] * bool(error.expected) + [f"fix: {error.fix}"] * bool(error.fix)
        return "; ".join([error.what, *hints])


def _encode_sample(
    row: Mapping[Hashable, Any],
    *,
    form: str,
    image_side: str,
    class_table: ClassTable,
    folder: Path,
    tolerance: float,
    unmatched: str,
    max_pixels: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    image_path, mask_path = Path(row["image"]), Path(row["mask"])
    picture, raw_mask = read_pair(form, image_path, mask_path, image_side=image_side, max_pixels=max_pixels)
    _check_sizes(image_path, mask_path, picture, raw_mask)
    label_mask, matches = _encode_mask(raw_mask, mask_path, class_table, tolerance=tolerance, unmatched=unmatched)

    mask_name = f"masks/{row['id']}.png"
    (folder / mask_name).write_bytes(pictures.encode_label_mask(label_mask, class_table.palette))
    image_name = _write_picture(picture, image_path, folder, row["id"], is_file_alone=image_path != mask_path)
    height, width, num_channels = picture.shape
    sample = {"id": row["id"], "image": image_name, "mask": mask_name, "split": row["split"], "group": row["group"]}
    sample |= {"height": height, "width": width, "channels": num_channels}
    return sample, _account(row, picture, label_mask, matches, class_table)


def _check_sizes(image_path: Path, mask_path: Path, picture: NDArray[np.uint8], raw_mask: NDArray[np.integer]) -> None:
    (height, width), (mask_height, mask_width) = picture.shape[:2], raw_mask.shape[:2]
    if (height, width) == (mask_height, mask_width):
        return
    fix = "give both the same size, or correct the pairing in the source section"
    if (height, width) == (mask_width, mask_height) and pictures.swaps_sides(image_path):
        fix = "the picture's EXIF data turn it by a quarter and the mask is as it was before: turn the mask likewise"
    raise DataError(
        f"{mask_path} is {mask_width} x {mask_height} pixels, its picture {image_path} is {width} x {height}",
        expected="a mask of its picture's size",
        fix=fix,
    )


def _encode_mask(
    raw_mask: NDArray[np.integer], mask_path: Path, class_table: ClassTable, *, tolerance: float, unmatched: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return uint8 (H, W) class ids, and per pixel whether it matched exactly, tolerably or not."""
    if raw_mask.ndim == 3:
        label_mask, matches = map_colours(raw_mask.astype(np.uint8, copy=False), class_table, tolerance)
        refused, what = unmatched == "error", "colours"
        fix = "add its colours to the classes, raise encode.tolerance, or set encode.unmatched to nearest or void"
    else:
        label_mask, matches = map_ids(raw_mask, class_table)
        refused, what = unmatched != "void", "ids"
        fix = "add its ids to the classes' source_ids, or set encode.unmatched to void"
    strangers = matches == UNMATCHED
    if refused and strangers.any():
        raise DataError(
            f"{mask_path} has unknown {what} in {np.count_nonzero(strangers)} of {strangers.size} pixels, most often "
            f"{_list_commonest(raw_mask[strangers])}",
            fix=fix,
        )
    if unmatched == "void":
        label_mask[strangers] = VOID
    return label_mask, matches


def _list_commonest(values: NDArray[np.integer], most: int = 3) -> str:
    distinct, counts = np.unique(values, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:most]
    return ", ".join(f"{distinct[place].tolist()} ({counts[place]})" for place in order)


def _write_picture(picture: NDArray[np.uint8], image_path: Path, folder: Path, name: str, *, is_file_alone: bool) -> str:
    """Copy a picture's file where its bytes can stay (not where it also holds the mask), else write a PNG; return its name."""
    if is_file_alone and pictures.is_kept_as_it_is(image_path):
        image_name = f"images/{name}{image_path.suffix.lower()}"
        shutil.copyfile(image_path, folder / image_name)
    else:
        image_name = f"images/{name}.png"
        (folder / image_name).write_bytes(pictures.encode_picture(picture))
    return image_name


def _account(
    row: Mapping[Hashable, Any],
    picture: NDArray[np.uint8],
    label_mask: NDArray[np.uint8],
    matches: NDArray[np.uint8],
    class_table: ClassTable,
) -> dict[str, Any]:
    """Return the sample's row of statistics.csv."""
    height, width, num_channels = picture.shape
    area = label_mask.size
    by_match = np.bincount(matches.reshape(-1), minlength=3)
    by_id = np.bincount(label_mask.reshape(-1), minlength=256)
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
        "exact": by_match[EXACT] / area,
        "tolerated": by_match[TOLERATED] / area,
        "unmatched": by_match[UNMATCHED] / area,
        "void": by_id[VOID] / area,
        **{PIXELS + name: int(by_id[number]) for number, name in enumerate(class_table.names)},
    }
