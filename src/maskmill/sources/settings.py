"""What params.yaml's source section says: how samples are found, and how one is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from maskmill.labels.runs import Order
from maskmill.sources.patterns import Split

Missing = Literal["error", "skip"]
Overlaps = Literal["area", "order"]


class Window(NamedTuple):
    """A rectangle of a raster, in pixels of its first file: `row` and `column` of its upper left pixel, `height` and `width`."""

    row: int
    column: int
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width


@dataclass(frozen=True)
class TableColumns:
    """A table of the source with a row a picture.

    Args:
        file: its path below the source's root.
        image: the column that names the pictures.
        split: the column with their parts; None: it has none.
    """

    file: str
    image: str
    split: str | None = None


@dataclass(frozen=True)
class Layout:
    """How samples are found; a form refuses what it does not use. The names are those of params.yaml's source section.

    Args:
        images: pattern of the pictures below the source's root (or below its single top folder).
        masks: pattern of the masks, with the fields of `images`.
        missing: "error" or "skip": what becomes of pictures without a mask or a row of `table`, masks without a picture, and what
            lists, tables or annotations name and is not there.
        lists: part ("train", "val", "test") -> list file.
        table: a table that says more about each picture: its part, what it is grouped by.
        annotations: pattern of the files that describe masks (CSV, JSON, GeoJSON); a {split} in it is the part.
        columns: what a table's columns are called: image, label, runs or geometry; absent ones are found by their usual names.
        order: "column" or "row": how run lengths go through a picture.
        overlaps: "area" (smaller shapes lie above larger ones) or "order" (later ones above earlier ones).
        grid_sizes: table of the coordinate ranges of each picture, as DSTL has it.
        species: whether a trimap's pet is labelled by its species, cat or dog.
        band_files: patterns of further rasters of the same scene, whose bands come after those of `images`.
        tile: (height, width) of the windows that large rasters are cut into; None: none.
        tile_overlap: the fraction of a tile that neighbours share.
    """

    images: str | None
    masks: str | None = None
    missing: Missing = "error"
    lists: Mapping[Split, str] = field(default_factory=dict)
    table: TableColumns | None = None
    annotations: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    order: Order = "column"
    overlaps: Overlaps = "area"
    grid_sizes: str | None = None
    species: bool = False
    band_files: tuple[str, ...] = ()
    tile: tuple[int, int] | None = None
    tile_overlap: float = 0.0


@dataclass(frozen=True)
class Reading:
    """How one sample is read; the names are those of params.yaml.

    Args:
        image_side: "left" or "right": the photo's half of a composite.
        threshold: of black and white masks: "otsu", or the highest grey value (0 to 255) that is still background.
        bands: the bands that make the picture, counted from 1; None: all but an alpha channel.
        stretch: (low, high) percentiles of each band that become 0 and 255, for values of more than 8 bits; None: the high byte.
        max_pixels: pictures that declare more are refused unread.
    """

    image_side: Literal["left", "right"] = "left"
    threshold: Literal["otsu"] | int = "otsu"
    bands: tuple[int, ...] | None = None
    stretch: tuple[float, float] | None = None
    max_pixels: int = 200_000_000


@dataclass(frozen=True)
class SampleFiles:
    """Where one sample is.

    Args:
        images: the picture's file, and those of further bands.
        mask: the mask or the annotation; the picture itself in a composite.
        window: the part of a raster that the sample is; None: all of it.
    """

    images: tuple[Path, ...]
    mask: Path
    window: Window | None = None
