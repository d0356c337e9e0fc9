"""The sections of params.yaml but for train and tune: every key, its type and its range.

Only stages and the command line read settings; the rooms take plain keyword arguments.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from maskmill.errors import suggest

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Percentile = Annotated[float, Field(ge=0.0, le=100.0)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]  # what every generator takes
Channel = Annotated[int, Field(ge=0, le=255)]
Colour = tuple[Channel, Channel, Channel]


class Section(BaseModel):
    """A frozen section of params.yaml that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PathsParams(Section):
    raw: Path
    encoded: Path
    arrays: Path
    training: Path
    model: Path
    evaluation: Path
    registration: Path
    data_docs: Path
    leakage: Path
    contact_sheet: Path
    results: Path


COLUMNS = {"image", "label", "runs", "geometry"}  # that tables of annotations have


class TableParams(Section):
    """A CSV of the source with a row a picture: `file` is its path, `image` and `split` are columns."""

    file: str
    image: str
    split: str | None = None


class SourceParams(Section):
    name: str
    home: str | None
    path: Path
    url: str | None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    form: Literal["composite", "folders", "suffix", "index", "trimap", "layers", "rle", "coco", "geotiff"]
    images: str | None
    masks: str | None
    missing: Literal["error", "skip"]
    lists: dict[Literal["train", "val", "test"], str]
    table: TableParams | None
    annotations: str | None
    columns: dict[str, str]
    order: Literal["column", "row"]
    overlaps: Literal["area", "order"]
    species: bool
    grid_sizes: str | None
    band_files: tuple[str, ...]
    tile: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]] | None
    tile_overlap: Annotated[float, Field(ge=0.0, le=0.9)]
    group: str | None
    image_side: Literal["left", "right"]
    threshold: Literal["otsu"] | Annotated[int, Field(ge=0, le=254)]
    bands: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] | None
    stretch: tuple[Percentile, Percentile] | None
    limit: Annotated[int, Field(ge=1)] | None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.url and not self.sha256:
            raise ValueError("source.url needs source.sha256: the checksum of what the address gives")
        if not self.images and not self.lists:
            raise ValueError("source.images (a pattern) or source.lists (list files) must say where the pictures are")
        if self.form not in ("composite", "rle", "coco") and not (self.masks or self.lists or self.annotations):
            raise ValueError(f"source.masks is needed with form {self.form}: the pattern of the masks")
        if self.form in ("rle", "coco") and not self.annotations:
            raise ValueError(f"source.annotations is needed with form {self.form}: the file that describes the masks")
        if unknown := sorted(set(self.columns) - COLUMNS):
            raise ValueError(f"source.columns.{unknown[0]} is not a column{suggest_or_list(unknown[0], COLUMNS)}")
        if self.stretch and self.stretch[0] >= self.stretch[1]:
            raise ValueError(f"source.stretch {list(self.stretch)} is no range of percentiles: the lower one comes first")
        return self


class ClassParams(Section):
    """One class: `id` 0 to 254 in order, or `void: true` for pixels that do not count (id 255)."""

    name: Annotated[str, Field(min_length=1)]
    id: Annotated[int, Field(ge=0, le=254)] | None = None
    colours: tuple[Colour, ...] = ()
    source_ids: tuple[int | str, ...] = ()
    void: bool = False


class EncodeParams(Section):
    labels: Literal["exclusive", "overlapping"]
    tolerance: Annotated[float, Field(ge=0.0)]
    unmatched: Literal["nearest", "void", "error"]
    mask_size: Literal["error", "resize"]
    max_pixels: Annotated[int, Field(ge=1)]


class SplitParams(Section):
    by: Literal["source", "ratio"]
    seed: Seed
    val: Fraction
    test: Fraction
    stratify: bool
    folds: Annotated[int, Field(ge=2)] | None
    fold: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.val + self.test >= 1.0:
            raise ValueError(f"split.val + split.test = {self.val + self.test:g} leaves nothing for training")
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(f"split.fold is {self.fold}, but split.folds is {self.folds}: folds count from 0 to {self.folds - 1}")
        if self.folds is None and self.fold:
            raise ValueError(f"split.fold is {self.fold}, but split.folds is null: say how many folds there are")
        return self


class ValidateParams(Section):
    min_samples: Annotated[int, Field(ge=1)]
    max_unmatched: Fraction
    max_void: Fraction
    min_class_fraction: Fraction
    max_empty: Fraction
    leakage: Literal["fail", "warn"]
    near_duplicate: Annotated[int, Field(ge=0, le=32)]


class ScaleParams(Section):
    policy: Literal["fit", "native"]
    image_size: tuple[Annotated[int, Field(ge=16)], Annotated[int, Field(ge=16)]]
    factor: Annotated[float, Field(gt=0.0)]
    overlap: Annotated[float, Field(ge=0.0, le=0.9)]


class RecipeParams(Section):
    """A way to augment: how many pictures are written to disk, and albumentations transforms in order."""

    copies: Annotated[int, Field(ge=0)] = 0
    total: Annotated[int, Field(ge=1)] | None = None
    transforms: tuple[dict[str, Any], ...]

    @model_validator(mode="after")
    def _one_count(self) -> Self:
        if self.copies and self.total:
            raise ValueError("copies and total both say how many pictures to make: set one of them")
        if (self.copies or self.total) and not self.transforms:
            raise ValueError("copies that no transform changes teach nothing: give transforms, or no copies and no total")
        return self


class AugmentParams(Section):
    seed: Seed
    recipe: str
    recipes: dict[Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")], RecipeParams]  # dvc.yaml names them after a dot

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.recipe not in self.recipes:
            raise ValueError(f"augment.recipe {self.recipe!r} is no recipe{suggest_or_list(self.recipe, set(self.recipes))}")
        return self

    @property
    def chosen(self) -> RecipeParams:
        """The recipe that is used."""
        return self.recipes[self.recipe]

    @property
    def offline(self) -> bool:
        """Whether augmented copies are written to disk, instead of made anew while training."""
        return bool(self.chosen.copies or self.chosen.total)


class EvaluateParams(Section):
    batch_size: Annotated[int, Field(ge=1)]
    pictures: Annotated[int, Field(ge=0)]
    boundary_tolerance: Annotated[int, Field(ge=0)]


class RegisterParams(Section):
    name: Annotated[str, Field(pattern="^[A-Za-z0-9_-]+$")]
    require_gpu: bool
    floor: Fraction


class TrackingParams(Section):
    uri: str | None
    experiment: str


class ComputeParams(Section):
    backend: Literal["loky", "threading", "ray"]
    jobs: Annotated[int, Field(ge=-1)]
    address: str | None

    @model_validator(mode="after")
    def _some_job(self) -> Self:
        if self.jobs == 0:
            raise ValueError("compute.jobs is 0: set how many files are worked on at a time, or -1 for one a core")
        return self


def suggest_or_list(name: str, known: set[str]) -> str:
    """Return "; did you mean ...?", or, where nothing is like `name`, all that is known."""
    return suggest(name, known) or f"; known: {', '.join(sorted(known))}"
