"""Augment: pack the training and validation parts at their training size, with augmented copies of the training part."""

import _checkout  # noqa: F401  first: this checkout's package before any installed one
import pandas as pd

from maskmill.data.augmentation import check_transforms
from maskmill.data.contact_sheet import draw_contact_sheet, show_training
from maskmill.data.findings import require_success
from maskmill.data.packing import find_mask_type, pack_arrays
from maskmill.labels.classes import read_class_table
from maskmill.parallel import Workers
from maskmill.params import load_params
from maskmill.terminal import run_stage, say


def main() -> None:
    params = load_params()
    require_success(params.paths.results / "validate" / "result.json")
    samples = pd.read_csv(params.paths.encoded / "samples.csv", dtype={"id": "str", "group": "str"}, keep_default_na=False)
    transforms = params.augment.chosen.transforms
    check_transforms(
        transforms,
        image_size=params.scale.image_size,
        channels=int(samples["channels"].max()),
        mask_type=find_mask_type(params.paths.encoded / samples["mask"].iloc[0]),
        where=f"augment.recipes.{params.augment.recipe}.transforms",
    )
    rows = pack_arrays(
        samples,
        params.paths.encoded,
        params.paths.arrays,
        policy=params.scale.policy,
        image_size=params.scale.image_size,
        factor=params.scale.factor,
        copies=params.augment.chosen.copies,
        total=params.augment.chosen.total,
        transforms=transforms,
        seed=params.augment.seed,
        workers=Workers(params.compute.backend, params.compute.jobs, params.compute.address),
    )
    height, width = params.scale.image_size
    for part, of_part in rows.items():
        copies = int((of_part["copy"] > 0).sum())
        say(
            f"{part}: {len(of_part)} of {height} x {width}, {copies} of them augmented, from {of_part['parent'].nunique()} pictures"
        )
    note, lines = show_training(
        params.paths.arrays, transforms=() if params.augment.offline else transforms, seed=params.train.seed
    )
    classes = read_class_table(params.paths.encoded / "classes.csv")
    draw_contact_sheet(lines, params.paths.contact_sheet, heading=params.augment.recipe, note=note, classes=classes)
    say(f"what training will see: {params.paths.contact_sheet}")


if __name__ == "__main__":
    run_stage(main)
