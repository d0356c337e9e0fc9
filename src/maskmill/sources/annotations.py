"""What annotations say of one picture, in one form whatever they come in: a small JSON file a sample.

Coordinates are pixels, (0, 0) the upper left corner of the upper left pixel. Paths are files as the manifest has them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskmill.errors import DataError
from maskmill.labels.layers import Layers
from maskmill.outputs import new_file
from maskmill.sources.settings import Order, Reading, Window

SUFFIX = ".json"  # of what the download stage writes; no raster has it
Ring = list[tuple[float, float]]


class _Part(BaseModel):
    """A part of an annotation: its label, and where the source says so (file and line), for messages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    label: str
    place: str = ""


class Polygons(_Part):
    """Polygons of one label: each is its outline and then its holes; a pixel belongs to them whose centre lies within."""

    kind: Literal["polygons"] = "polygons"
    polygons: list[list[Ring]]

    def paint(self, size: tuple[int, int], window: Window | None, reading: Reading) -> NDArray[np.bool_]:
        """Return bool (H, W)."""
        from rasterio.features import rasterize
        from rasterio.transform import Affine

        shapes = [({"type": "Polygon", "coordinates": rings}, 1) for rings in self.polygons]
        if not shapes:
            return np.zeros(size, np.bool_)
        shift = Affine.translation(window.column, window.row) if window else Affine.identity()
        return rasterize(shapes, out_shape=size, transform=shift, dtype=np.uint8).astype(np.bool_)


class Runs(_Part):
    """Run lengths of one label: the texts of a table, each with its line."""

    kind: Literal["runs"] = "runs"
    runs: list[tuple[int, str]]
    order: Order

    def paint(self, size: tuple[int, int], window: Window | None, reading: Reading) -> NDArray[np.bool_]:
        """Return bool (H, W)."""
        from maskmill.labels.runs import decode_runs

        united = np.zeros(size, np.bool_)
        for line, text in self.runs:
            try:
                united |= decode_runs(text, size, self.order)
            except DataError as error:
                raise DataError(f"line {line}: {error.what}", expected=error.expected, fix=error.fix) from None
        return united


class Segmentation(_Part):
    """One object of a COCO file: polygons, or run lengths, compressed or not."""

    kind: Literal["segmentation"] = "segmentation"
    segmentation: list[list[float]] | dict[str, Any]

    def paint(self, size: tuple[int, int], window: Window | None, reading: Reading) -> NDArray[np.bool_]:
        """Return bool (H, W), as COCO's own code draws it."""
        from pycocotools import mask

        described = self.segmentation
        if isinstance(described, list):
            described = mask.merge(mask.frPyObjects(described, *size))
        elif isinstance(described["counts"], list):
            described = mask.frPyObjects(described, *size)
        return mask.decode(described).astype(np.bool_)


class MaskFile(_Part):
    """Pixels of a mask file with one of `values`, where only `allowed` may occur; without `values`, those above the threshold."""

    kind: Literal["file"] = "file"
    file: Path
    values: list[int] | None = None
    allowed: list[int] | None = None

    def paint(self, size: tuple[int, int], window: Window | None, reading: Reading) -> NDArray[np.bool_]:
        """Return bool (H, W) of the file's own size."""
        from maskmill.pictures import read_ids
        from maskmill.sources.thresholds import read_bright

        if self.values is None:
            return read_bright(self.file, reading)
        ids = read_ids(self.file, max_pixels=reading.max_pixels)
        if self.allowed is not None and (strange := np.setdiff1d(ids, self.allowed)).size:
            raise DataError(
                f"{self.file} holds the value {strange[0]} in {np.count_nonzero(ids == strange[0])} of {ids.size} pixels",
                expected=f"only {', '.join(map(str, self.allowed))}",
                fix="correct the mask, or use source.form index, which maps any values",
            )
        return np.isin(ids, self.values)


class Annotation(BaseModel):
    """All of one picture's layers.

    Args:
        size: (height, width) where the annotations state it.
        layers: the lowest one first.
        smaller_on_top: whether they are painted by their areas instead, the largest one first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    size: tuple[int, int] | None = None
    layers: list[Annotated[Polygons | Runs | Segmentation | MaskFile, Field(discriminator="kind")]]
    smaller_on_top: bool = False


def write_annotation(annotation: Annotation, path: Path, place: Callable[[Path], Path]) -> None:
    """Write an annotation as JSON; `place` says where a file that it names will lie when it is read."""
    layers = [_move(part, place) if isinstance(part, MaskFile) else part for part in annotation.layers]
    with new_file(path) as temporary:
        temporary.write_text(annotation.model_copy(update={"layers": layers}).model_dump_json(), encoding="utf-8")


def list_mask_files(path: Path) -> list[Path]:
    """Return the mask files that an annotation names; none for another file, which whoever reads it complains of."""
    if path.suffix != SUFFIX:
        return []
    try:
        annotation = Annotation.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return []
    return [part.file for part in annotation.layers if isinstance(part, MaskFile)]


def read_layers(path: Path, *, size: tuple[int, int], window: Window | None, reading: Reading) -> Layers:
    """Draw an annotation.

    Args:
        path: what `write_annotation` wrote.
        size: (height, width) of the picture, or of its window; an annotation that states a size is drawn in that.
        window: the part of a raster that is meant.
        reading: how mask files are read.

    Raises:
        DataError: not such a file, or a layer that cannot be drawn; the message names it.
    """
    try:
        annotation = Annotation.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise DataError(f"{path} is not an annotation that the download stage wrote: {error}", fix="dvc repro download") from None
    drawn = annotation.size if annotation.size and not window else size
    painted = _paint(annotation.layers, path, drawn, window, reading)
    if annotation.smaller_on_top and len({part.label for part in annotation.layers}) > 1:
        painted = iter(sorted(painted, key=lambda layer: -np.count_nonzero(layer[1])))
    return _overlay(painted, drawn)


def _paint(
    layers: list[Polygons | Runs | Segmentation | MaskFile],
    path: Path,
    size: tuple[int, int],
    window: Window | None,
    reading: Reading,
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each layer's label and mask bool (H, W), all of one size."""
    for number, part in enumerate(layers, start=1):
        place = f"{part.place or f'{path}, layer {number}'}, {part.label}"
        try:
            mask = part.paint(size, window, reading)
        except DataError as error:
            raise DataError(f"{place}: {error.what}", expected=error.expected, fix=error.fix) from None
        if number == 1:
            size = mask.shape
        if mask.shape != size:
            raise DataError(
                f"{place}: it is {mask.shape[1]} x {mask.shape[0]} pixels, others of its picture are {size[1]} x {size[0]}",
                expected="masks of one size",
                fix="correct the file, or the pairing in the source section",
            )
        yield part.label, mask


def _overlay(painted: Iterator[tuple[str, NDArray[np.bool_]]], size: tuple[int, int]) -> Layers:
    """Return layers in which no label lies more than twice: first all of it, then what of it is to be seen.

    What each label covers and what lies on top are as they were, and a thousand objects of a large picture need no more memory
    than their labels.
    """
    united: dict[str, NDArray[np.bool_]] = {}
    top: NDArray[np.int32] | None = None
    num_layers = 0
    for label, mask in painted:
        top = np.full(mask.shape, -1, np.int32) if top is None else top
        united[label] = united[label] | mask if label in united else mask
        top[mask] = list(united).index(label)
        num_layers += 1
    if top is None:
        return Layers(size, (), ())
    labels, masks = tuple(united), tuple(united.values())
    if 1 < len(labels) < num_layers:
        labels, masks = labels * 2, masks + tuple(top == number for number in range(len(labels)))
    return Layers((top.shape[0], top.shape[1]), labels, masks)


def _move(part: MaskFile, place: Callable[[Path], Path]) -> MaskFile:
    return part.model_copy(update={"file": place(part.file)})
