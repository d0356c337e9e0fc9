"""From a folder as it comes to encoded masks, for the tests of the forms."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from maskmill.data.encoding import encode_samples
from maskmill.labels import build_class_table
from maskmill.parallel import Workers
from maskmill.pictures import read_label_mask
from maskmill.sources.forms import list_samples
from maskmill.sources.settings import Layout, Reading


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def find(root: Path, form: str, *, group: str | None = None, **layout) -> pd.DataFrame:
    """Return the manifest of what lies in `root`/data."""
    return list_samples(root / "data", form=form, layout=Layout(**layout), group=group, annotations_dir=root / "annotations")


def encode(root: Path, form: str, manifest: pd.DataFrame, classes: list[dict], labels: str = "exclusive", **settings):
    """Return the encoded masks by id."""
    mask_size = settings.pop("mask_size", "error")
    unmatched = settings.pop("unmatched", "nearest")
    encode_samples(
        manifest.assign(split="train"),
        form=form,
        reading=Reading(**settings),
        class_table=build_class_table(classes),
        labels=labels,
        encoded_dir=root / "encoded",
        progress_dir=root / "progress",
        tolerance=0.0,
        unmatched=unmatched,
        mask_size=mask_size,
        assign=lambda manifest, _: manifest,
        workers=Workers(jobs=1),
    )
    return {name: read_label_mask(root / "encoded" / "masks" / f"{name}.png") for name in manifest["id"]}


def grid(*rows: str) -> np.ndarray:
    """Return a mask uint8 (H, W) drawn in digits; "." is 0."""
    return np.array([[int(character.replace(".", "0")) for character in row] for row in rows], np.uint8)
