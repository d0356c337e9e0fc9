"""CamVid's official val frames after training with and without other frames of their own sequence; prints one JSON line.

    python benchmarks/sequences.py camvid.tar

All official val frames are of sequence 0016E5, 6.7 seconds of one drive, and the official training part has 204 other frames of
that drive, the nearest one second before and after. With each seed two models are trained:

    shared sequence: on frames drawn from the whole official training part, as many as the other arm has;
    other sequences: on all frames of that part which are of sequences that do not validate.

Model, settings, number of pictures, steps and seeds are the same. No epoch is chosen: both keep the last one. Both are measured on
the same official val frames, at their own size, void left out. What the shared sequence gives is the difference. At last validate
is asked what it thinks of the official parts.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from augment_then_split import HERE, ROOT, encode_source, run_stages, train
from rich.table import Table

from maskmill.data.packing import Scale, pack_part
from maskmill.evaluation.inference import Predictor
from maskmill.evaluation.reports import describe_part, evaluate_part, read_samples
from maskmill.params import Params, read_yaml
from maskmill.terminal import console, say

ARMS = ("shared sequence", "other sequences")
WATCHED = 8  # val frames that training looks at after each epoch, which decides nothing
SHOWN = ["dice", "iou", "accuracy"]
SETTINGS = {  # beside the source and the classes of presets/camvid.yaml
    "split": {"test": 0.0},  # the archive has no test part, and none is drawn from the training sequences
    "scale": {"policy": "fit", "image_size": [96, 128]},  # of 360 x 480
    "augment": {"recipe": "street"},
    "train": {
        "architecture": "unet",
        "backbone": "resnet18",
        "weights": "none",
        "epochs": 20,
        "batch_size": 8,
        "precision": "auto",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?", help="camvid.tar, or the folder that it holds")
    parser.add_argument("--seeds", type=int, default=2, choices=range(2, 11), help="each trains two models")
    arguments = parser.parse_args()
    if arguments.source is None:
        say("sequences: left out, it needs the path of camvid.tar")
        return
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = Path(temporary)
        params = encode_source(describe_source(), arguments.source, workspace)
        samples = read_samples(params.paths.encoded)
        say(refusal := run_stages("validate", workspace=workspace))
        runs = []
        for seed in range(arguments.seeds):
            for arm, training in draw_arms(samples, seed).items():
                runs.append(run_arm(arm, training, samples, params, workspace / f"{arm} {seed}", seed=seed))
                say(json.dumps(runs[-1]))
    console.print(build_table(runs))
    print(json.dumps(summarise(runs, refusal=refusal, seconds=time.perf_counter() - start)))


def describe_source() -> str:
    """Return the preset of this benchmark: the source and the classes of CamVid's, and the settings of both arms."""
    preset = read_yaml(ROOT / "presets/camvid.yaml")
    return json.dumps({name: preset[name] for name in ("source", "classes")} | SETTINGS)  # JSON is YAML


def draw_arms(samples: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Choose what each arm trains on, equally many pictures of the training part.

    Args:
        samples: all parts, with `id`, `split` and the sequence as `group`.
        seed: of the draw from the whole part.
    """
    training = samples[samples["split"] == "train"]
    others = training[~training["group"].isin(find_sequences(samples))]
    drawn = training.sample(len(others), random_state=seed).sort_values("id")
    return dict(zip(ARMS, (drawn, others), strict=True))


def find_sequences(samples: pd.DataFrame) -> set[str]:
    """Return the sequences that validate."""
    return set(samples.loc[samples["split"] == "val", "group"])


def run_arm(arm: str, training: pd.DataFrame, samples: pd.DataFrame, params: Params, arrays: Path, *, seed: int) -> dict[str, Any]:
    """Train one model on the chosen pictures, and measure it on all val pictures at their own size."""
    scale = Scale(params.scale.policy, params.scale.image_size, params.scale.factor)
    arrays.mkdir()
    watched = samples[samples["split"] == "val"].head(WATCHED)
    for part, chosen in (("train", training), ("val", watched)):
        pack_part(chosen, encoded_dir=params.paths.encoded, part_dir=arrays / part, scale=scale, channels=3, workers=HERE)
    start = time.perf_counter()
    model = train(arrays, params, seed=seed, transforms=params.augment.chosen.transforms)
    seconds = time.perf_counter() - start
    return {
        "arm": arm,
        "seed": seed,
        "pictures": len(training),
        "of_val_sequences": int(training["group"].isin(find_sequences(samples)).sum()),
        "training_seconds": round(seconds),
        **measure(model, samples, params),
    }


def measure(model: Predictor, samples: pd.DataFrame, params: Params) -> dict[str, Any]:
    """Return macro dice and IoU, accuracy, and the dice of each class, over all pixels of the val part."""
    tolerance = params.evaluate.boundary_tolerance
    figures = describe_part(evaluate_part(model, samples, params.paths.encoded, split="val", boundary_tolerance=tolerance))
    classes = {name: round(each["dice"], 4) for name, each in figures["classes"].items()}
    return {**{name: round(figures[name], 4) for name in SHOWN}, "classes": classes}


def build_table(runs: list[dict[str, Any]]) -> Table:
    """Return a table of both arms with every seed, and their means over the seeds."""
    table = Table("seed", "training on", "of the val sequence", *SHOWN, title=f"{runs[0]['pictures']} training pictures each")
    rows = pd.DataFrame(runs)[["seed", "arm", "of_val_sequences", *SHOWN]]
    means = rows.drop(columns="seed").groupby("arm").mean().loc[list(ARMS)].reset_index().assign(seed="mean")
    for seed, arm, shared, *values in pd.concat([rows, means]).to_numpy():
        table.add_row(str(seed), arm, f"{shared:.0f}", *(f"{value:.3f}" for value in values), end_section=arm == ARMS[1])
    return table


def summarise(runs: list[dict[str, Any]], *, refusal: str, seconds: float) -> dict[str, Any]:
    """Return what the JSON line holds: means and standard deviations over the seeds, and what the shared sequence gives."""
    rows = pd.DataFrame(runs)
    means, spreads = (rows.groupby("arm")[SHOWN].agg(name) for name in ("mean", "std"))
    gains = means.loc[ARMS[0]] - means.loc[ARMS[1]]
    by_seed = rows.pivot(index="seed", columns="arm", values="dice")
    classes = pd.DataFrame(rows["classes"].tolist()).groupby(rows["arm"]).mean()
    return {
        "benchmark": "sequences",
        "unit": "macro dice on the official val frames of CamVid",
        "figure": round(means.loc[ARMS[0], "dice"], 3),
        "peer": ARMS[1],
        "peer_figure": round(means.loc[ARMS[1], "dice"], 3),
        "ratio": round(means.loc[ARMS[0], "dice"] / means.loc[ARMS[1], "dice"], 3),
        "gain": gains.round(3).to_dict(),
        "gain_in_dice_by_seed": (by_seed[ARMS[0]] - by_seed[ARMS[1]]).round(3).tolist(),
        "mean": means.round(3).to_dict("index"),
        "standard_deviation": spreads.round(3).to_dict("index"),
        "dice_of_classes": classes.round(3).to_dict("index"),
        "training_pictures": runs[0]["pictures"],
        "of_val_sequences": rows.groupby("arm")["of_val_sequences"].agg(list).to_dict(),
        "validate_refuses": refusal.partition("\n")[0],
        "seconds": round(seconds),
    }


if __name__ == "__main__":
    main()
