"""Fixtures for the tests of more than one room."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from maskmill import pictures
from maskmill.data.thumbnails import make_thumbnail
from maskmill.labels.classes import build_class_table, write_class_table

settings.register_profile("untimed", deadline=None)  # how long an example takes is never asserted
settings.load_profile("untimed")

PALETTE = np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
Sample = tuple[str, NDArray[np.uint8], NDArray[np.uint8]]


@pytest.fixture
def write_encoded(tmp_path: Path) -> Callable[[Mapping[str, Sample]], Path]:
    """Write samples (id to part, picture, label mask; classes a and b) as the encode stage would; return their folder."""

    def write(samples: Mapping[str, Sample]) -> Path:
        folder = tmp_path / "build" / "encoded"
        for name in ("images", "masks"):
            (folder / name).mkdir(parents=True)
        rows, statistics, thumbnails = [], [], []
        for sample_id, (part, picture, label_mask) in sorted(samples.items()):
            image, mask = f"images/{sample_id}.png", f"masks/{sample_id}.png"
            (folder / image).write_bytes(pictures.encode_picture(picture))
            (folder / mask).write_bytes(pictures.encode_label_mask(label_mask, PALETTE))
            thumbnails.append(make_thumbnail(picture))
            (height, width), channels = label_mask.shape, picture.shape[2]
            rows.append((sample_id, image, mask, part, sample_id, height, width, channels))
            fractions = (1.0, 0.0, 0.0, (label_mask == 255).mean())
            pixels = ((label_mask == 0).sum(), (label_mask == 1).sum())
            image_hash = hashlib.sha256(picture.tobytes()).hexdigest()
            sources = (f"data/{sample_id}.jpg", f"data/{sample_id}.png", part, sample_id)
            statistics.append((sample_id, *sources, *picture.shape[:2], height, width, channels, image_hash, *fractions, *pixels))
        pd.DataFrame(rows, columns="id image mask split group height width channels".split()).to_csv(  # noqa: SIM905
            folder / "samples.csv", index=False
        )
        names = "id source_image source_mask split group image_height image_width mask_height mask_width channels image_hash"
        columns = [*names.split(), "exact", "tolerated", "unmatched", "void", "pixels_a", "pixels_b"]
        pd.DataFrame(statistics, columns=columns).to_csv(folder / "statistics.csv", index=False)
        np.save(folder / "thumbnails.npy", np.stack(thumbnails))
        write_class_table(build_class_table([{"name": "a", "id": 0}, {"name": "b", "id": 1}]), folder / "classes.csv")
        return folder

    return write
