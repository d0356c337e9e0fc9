"""What validation says after "augment, then split", beside "split, then augment"; prints one JSON line.

    python benchmarks/augment_then_split.py river_gravel.tar

The seven pictures of ImageGrains' river gravel. In every draw two of them are held out: neither order sees them, and on them both
models are measured. The other five go through

    augment, then split: 300 pictures by the stones recipe, copies and originals, then a random fifth of these validates;
    split, then augment: one picture validates, the other four become 240 by the same recipe.

Model, settings, steps and seeds are the same. No epoch is chosen: both keep the last one. What an order pretends is the dice that
it reports on its own validation part less what the same model reaches on the pictures held out. At last what both orders leave is
given to the stages as a source of picture files: validate has to refuse the one and to accept the other.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from maskmill import pictures
from maskmill.data.batches import open_part
from maskmill.data.packing import Scale, pack_part
from maskmill.evaluation.inference import Predictor
from maskmill.labels import read_class_table
from maskmill.metrics import confusion_matrix, headline_dice
from maskmill.parallel import Workers
from maskmill.params import Params, load_params
from maskmill.presets import write_params
from maskmill.terminal import console, say
from maskmill.training.run import describe_model, train_model

ROOT = Path(__file__).resolve().parents[1]
HELD_OUT, VALIDATING = 2, 1  # pictures
TRAINING_SHARE = 0.8  # of the augmented pictures, in the published order
ORDERS = ("augment, then split", "split, then augment")
SHOWN = ["reported", "reached", "pretended", "on_copies"]
HERE = Workers("threading", 1)
GRAVEL = """# River gravel from above, ImageGrains: instance ids, 0 between the stones.
source: {name: river_gravel, form: index, images: "images/{name}.jpg", masks: "masks/{name}_mask.tif", group: null}
classes:
  - {id: 0, name: background, colours: [[40, 40, 40]], source_ids: [0]}
  - {id: 1, name: stone, colours: [[220, 180, 90]], source_ids: ["> 0"]}
split: {val: 0.0, test: 0.0, stratify: false} # the parts of each draw are drawn here
scale: {policy: fit, image_size: [128, 128]}
augment: {recipe: stones}
train: {epochs: 10}
"""
AUGMENTED = """# What either order leaves: pictures and masks, a folder for each part.
source: {name: augmented gravel, form: index, images: "images/{split}/{name}.png", masks: "masks/{split}/{name}.png", group: null}
classes:
  - {id: 0, name: background, colours: [[40, 40, 40]]}
  - {id: 1, name: stone, colours: [[220, 180, 90]]}
  - {name: turned in, void: true, source_ids: [255]}
validate: {min_samples: 1}
"""


@dataclass(frozen=True)
class Score:
    """The dice of one order in one draw: what it reports, and what the same model reaches on the pictures held out.

    Attributes:
        held_out: the numbers that the pictures' names begin with.
        on_copies: on augmented copies of what validates, as many in both orders; for the published one that is what it reports.
        quarters: the lowest and the highest over the four quarters of the validating pictures.
    """

    held_out: str
    order: str
    reported: float
    reached: float
    on_copies: float
    quarters: tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?", help="river_gravel.tar, or the folder that it holds")
    parser.add_argument("--draws", type=int, default=3, choices=range(2, 8), help="of the pictures held out; 7 hold out each twice")
    arguments = parser.parse_args()
    if arguments.source is None:
        say("augment_then_split: left out, it needs the path of river_gravel.tar")
        return
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = Path(temporary)
        params = encode_source(GRAVEL, arguments.source, workspace / "gravel")
        samples = pd.read_csv(params.paths.encoded / "samples.csv", dtype={"id": "str"}, keep_default_na=False)
        scores: list[Score] = []
        for number in range(arguments.draws):
            scores += run_draw(samples, params, workspace / f"draw {number}", number)
        figures = pd.DataFrame(scores).assign(pretended=lambda table: table["reported"] - table["reached"])
        console.print(build_table(figures))
        first = workspace / "draw 0"
        refusals = {order: offer_to_stages(first / order, first / "held_out", params, workspace / order) for order in ORDERS}
    for order, refusal in refusals.items():
        say(f"\nvalidate, given the files of {order}:\n{refusal or 'no objection'}")
    refused = {order: bool(refusal) for order, refusal in refusals.items()}
    print(json.dumps(summarise(figures, refused=refused, seconds=time.perf_counter() - start)))


def encode_source(preset: str, source: Path, workspace: Path) -> Params:
    """Download and encode pictures by maskmill's own stages; return the settings, with paths that hold from anywhere."""
    params = write_settings(preset, source, workspace)
    if refusal := run_stages("download", "encode", workspace=workspace):
        sys.exit(refusal)
    return params.model_copy(update={"paths": params.paths.model_copy(update={"encoded": workspace / params.paths.encoded})})


def write_settings(preset: str, source: Path, workspace: Path) -> Params:
    """Write a workspace's params.yaml: the defaults with `preset` laid over them, and the source."""
    (workspace / "presets").mkdir(parents=True)
    shutil.copy(ROOT / "presets/default.yaml", workspace / "presets")
    (workspace / "presets/this.yaml").write_text(preset, encoding="utf-8")
    write_params("this", source=str(source.resolve()), target=workspace / "params.yaml", folder=workspace / "presets")
    return load_params(workspace / "params.yaml")


def run_stages(*names: str, workspace: Path) -> str:
    """Run stages in a workspace up to the first that refuses the data; return what that one says, or nothing."""
    for name in names:
        command = [sys.executable, str(ROOT / f"stages/{name}.py")]
        done = subprocess.run(command, cwd=workspace, text=True, capture_output=True, check=False)
        if done.returncode:
            if "error: " not in done.stderr:  # of a traceback, not of maskmill
                raise RuntimeError(done.stderr)
            return done.stderr.strip()
    return ""


def run_draw(samples: pd.DataFrame, params: Params, folder: Path, number: int) -> list[Score]:
    """Train in both orders on what one draw leaves, and measure both models."""
    parts = samples["id"].map(draw_parts(samples["id"].tolist(), number))
    held_out, validating, training = (samples[parts == part].assign(split="train") for part in ("test", "val", "train"))
    scale = Scale(params.scale.policy, params.scale.image_size, params.scale.factor)
    recipe = params.augment.chosen
    assert recipe.total is not None
    for name in ("held_out", "copies", "augmented", ORDERS[1]):
        (folder / name).mkdir(parents=True)
    pack = partial(pack_part, encoded_dir=params.paths.encoded, scale=scale, channels=3, workers=HERE)
    augment = partial(pack, transforms=recipe.transforms, seed=number)
    pack(held_out, part_dir=folder / "held_out/val")

    augment(samples[parts != "test"].assign(split="train"), part_dir=folder / "augmented/all", total=recipe.total)
    num_training = split_at_random(folder / "augmented/all", folder / ORDERS[0], seed=number)

    augment(training, part_dir=folder / ORDERS[1] / "train", total=num_training)
    pack(validating, part_dir=folder / ORDERS[1] / "val")
    augment(validating, part_dir=folder / "copies/val", total=recipe.total - num_training)

    scores = []
    for order, copies in zip(ORDERS, (ORDERS[0], "copies"), strict=True):
        model = train(folder / order, params, seed=number)
        score = Score(
            held_out=" ".join(name[:1] for name in sorted(held_out["id"])),
            order=order,
            reported=measure(model, folder / order),
            reached=measure(model, folder / "held_out"),
            on_copies=measure(model, folder / copies),
            quarters=measure_quarters(model, folder / order),
        )
        say(f"draw {number}: {score}")
        scores.append(score)
    return scores


def draw_parts(ids: Sequence[str], number: int) -> dict[str, str]:
    """Return each picture's part: in one random order of all, the next ones test, the one behind them validates, the others train.

    As many draws as there are pictures hold each of them out equally often.
    """
    order = np.random.default_rng(0).permutation(sorted(ids)).tolist()
    turned = [order[(number * HELD_OUT + place) % len(order)] for place in range(len(order))]
    return dict(zip(turned, ["test"] * HELD_OUT + ["val"] * VALIDATING + ["train"] * len(order), strict=False))


def split_at_random(augmented: Path, arrays: Path, *, seed: int) -> int:
    """Do what the published order does: split packed pictures as if each were for itself; return how many train."""
    images, masks = (np.load(augmented / name) for name in ("images.npy", "masks.npy"))
    rows = pd.read_csv(augmented / "samples.csv")
    num_training = round(TRAINING_SHARE * len(images))
    order = np.random.default_rng(seed).permutation(len(images))
    for part, chosen in (("train", order[:num_training]), ("val", order[num_training:])):
        (arrays / part).mkdir(parents=True)
        np.save(arrays / part / "images.npy", images[chosen])
        np.save(arrays / part / "masks.npy", masks[chosen])
        rows.iloc[chosen].to_csv(arrays / part / "samples.csv", index=False)
    return num_training


def train(arrays: Path, params: Params, *, seed: int, transforms: Sequence[Mapping[str, Any]] = ()) -> Predictor:
    """Train one model with the settings that all trainings of a benchmark share; the last epoch stays."""
    settings = params.train.model_dump() | {"seed": seed}
    classes = read_class_table(params.paths.encoded / "classes.csv")
    model, _ = train_model(
        arrays, settings, num_classes=classes.num_classes, class_weights=None, transforms=transforms, epochs=params.train.epochs
    )
    description = describe_model(
        model,
        settings,
        scale=params.scale.model_dump(),
        classes=classes,
        labels="exclusive",
        head="softmax",
        thresholds=(),
        reading={"bands": None},
    )
    return Predictor(model, description)


def predict(model: Predictor, arrays: Path) -> NDArray[np.uint8]:
    """Predict the label masks of a folder's val part: uint8 (N, H, W)."""
    return np.stack([np.asarray(model.mask(np.asarray(picture)), np.uint8) for picture in open_part(arrays, "val")[0]])


def measure(model: Predictor, arrays: Path) -> float:
    """Return the dice of stone over all pixels of a folder's val part, at the training size."""
    return compute_dice(open_part(arrays, "val")[1], predict(model, arrays))


def measure_quarters(model: Predictor, arrays: Path) -> tuple[float, float]:
    """Return the lowest and the highest dice of stone over the four quarters of a folder's val part."""
    masks, predictions = open_part(arrays, "val")[1], predict(model, arrays)
    rows, columns = ([slice(None, side // 2), slice(side // 2, None)] for side in masks.shape[1:])
    dice = [compute_dice(masks[:, row, column], predictions[:, row, column]) for row in rows for column in columns]
    return min(dice), max(dice)


def compute_dice(masks: NDArray[np.unsignedinteger], predictions: NDArray[np.uint8]) -> float:
    return headline_dice(confusion_matrix(masks, predictions, 2))


def offer_to_stages(arrays: Path, held_out: Path, params: Params, workspace: Path) -> str:
    """Write an order's parts, and the pictures held out as test, as files; return what the stages up to validate object to."""
    palette = read_class_table(params.paths.encoded / "classes.csv").palette
    parts = {"train": open_part(arrays, "train"), "val": open_part(arrays, "val"), "test": open_part(held_out, "val")}
    for part, (images, masks) in parts.items():
        image_dir, mask_dir = (workspace / "files" / kind / part for kind in ("images", "masks"))
        image_dir.mkdir(parents=True)
        mask_dir.mkdir(parents=True)
        for row, (image, mask) in enumerate(zip(images, masks, strict=True)):
            (image_dir / f"{part}{row:03d}.png").write_bytes(pictures.encode_picture(np.asarray(image)))
            (mask_dir / f"{part}{row:03d}.png").write_bytes(pictures.encode_label_mask(np.asarray(mask), palette))
    write_settings(AUGMENTED, workspace / "files", workspace)
    return run_stages("download", "encode", "validate", workspace=workspace)


def build_table(figures: pd.DataFrame) -> Table:
    """Return a table of both orders in every draw, and their means and standard deviations over the draws."""
    table = Table("held out", *(name.replace("_", " ") for name in ("order", *SHOWN)), title="dice of stone")
    rows = figures[["held_out", "order", *SHOWN]]
    for name in ("mean", "std"):
        rows = pd.concat([rows, figures.groupby("order", as_index=False)[SHOWN].agg(name).assign(held_out=name)])
    for held_out, order, *values in rows.to_numpy().tolist():
        table.add_row(held_out, order, *(f"{value:.3f}" for value in values), end_section=order == ORDERS[1])
    return table


def summarise(figures: pd.DataFrame, *, refused: dict[str, bool], seconds: float) -> dict[str, object]:
    """Return what the JSON line holds: means and standard deviations over the draws, rounded."""
    means, spreads = (figures.groupby("order")[SHOWN].agg(name).round(3).to_dict("index") for name in ("mean", "std"))
    published, clean = (means[order]["reported"] / means[order]["reached"] for order in ORDERS)
    return {
        "benchmark": "augment_then_split",
        "unit": "dice that an order reports / dice that its models reach on pictures held out",
        "figure": round(published, 3),
        "peer": ORDERS[1],
        "peer_figure": round(clean, 3),
        "ratio": round(published / clean, 3),
        "mean": means,
        "standard_deviation": spreads,
        "draws": len(figures) // len(ORDERS),
        "quarters": [[round(value, 3) for value in quarters] for quarters in figures["quarters"]],
        "validate_refuses": refused,
        "seconds": round(seconds),
    }


if __name__ == "__main__":
    main()
