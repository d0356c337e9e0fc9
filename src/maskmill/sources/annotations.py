"""What annotations say of one picture, in one form whatever they come in: a small JSON file a sample.

Coordinates are pixels, (0, 0) the upper left corner of the upper left pixel. Paths are files as the manifest has them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maskmill.errors import DataError
from maskmill.labels.layers import Layers
from maskmill.outputs import new_file
from maskmill.sources.settings import Order, Reading, Window

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
    """Run lengths of one label, as the texts of a table."""

    kind: Literal["runs"] = "runs"
    runs: list[str]
    order: Order

    def paint(self, size: tuple[int, int], window: Window | None, reading: Reading) -> NDArray[np.bool_]:
        """Return bool (H, W)."""
        from maskmill.labels.runs import decode_runs

        united = np.zeros(size, np.bool_)
        for text in self.runs:
            united |= decode_runs(text, size, self.order)
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
    """All of one picture's layers, the lowest one first; `size` (height, width) where the annotations state it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    size: tuple[int, int] | None = None
    layers: list[Annotated[Polygons | Runs | Segmentation | MaskFile, Field(discriminator="kind")]]


def write_annotation(annotation: Annotation, path: Path, place: Callable[[Path], Path]) -> None:
    """Write an annotation as JSON; `place` says where a file that it names will lie when it is read."""
    layers = [_move(part, place) if isinstance(part, MaskFile) else part for part in annotation.layers]
    with new_file(path) as temporary:
        temporary.write_text(annotation.model_copy(update={"layers": layers}).model_dump_json(), encoding="utf-8")


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
    masks = []
    for number, part in enumerate(annotation.layers, start=1):
        try:
            masks.append(part.paint(drawn, window, reading))
        except DataError as error:
            place = part.place or f"{path}, layer {number}"
            raise DataError(f"{place}, {part.label}: {error.what}", expected=error.expected, fix=error.fix) from None
    drawn = masks[0].shape if masks and isinstance(annotation.layers[0], MaskFile) else drawn
    return Layers(drawn, tuple(part.label for part in annotation.layers), tuple(masks))


def _move(part: MaskFile, place: Callable[[Path], Path]) -> MaskFile:
    return part.model_copy(update={"file": place(part.file)})
