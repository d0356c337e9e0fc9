"""Parameters and rates of the architectures; prints one JSON line a model.

    python benchmarks/models.py [NAME ...]        all of MODELS where none is named

256 x 256 pictures in batches of 8, 3 classes, random weights, train.precision auto unless --precision says otherwise. Training is
one step of the default loss and optimizer, inference is the model that `evaluation.inference.Predictor` makes of a trained one.
The fastest of several steps counts. benchmarks/peer_smp.py compares with another library.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from ruamel.yaml import YAML

from maskmill import backend  # noqa: F401  before whatever else imports Keras
from maskmill.models import build_model
from maskmill.models.folding import fold_norms
from maskmill.models.freezing import freeze_weights
from maskmill.terminal import console
from maskmill.training.device import choose_precision, prepare_device
from maskmill.training.losses import build_loss
from maskmill.training.optimizers import build_optimizer

SIDE, BATCH, NUM_CLASSES = 256, 8, 3
ROUNDS = 5
PRESET = Path(__file__).resolve().parents[1] / "presets" / "default.yaml"
BACKBONES = ("resnet18", "resnet34", "resnet50", "efficientnetv2_b0", "mobilenetv2", "cspdarknet53", "mit_b0", "vgg16")
MODELS: dict[str, dict[str, Any]] = {
    "unet": {"architecture": "unet", "backbone": None},
    **{f"unet-{name}": {"architecture": "unet", "backbone": name} for name in BACKBONES},
    "xception_unet": {"architecture": "xception_unet"},
    "segnet": {"architecture": "segnet"},
    "segnet_basic": {"architecture": "segnet_basic"},
    "fcn": {"architecture": "fcn", "backbone": "vgg16"},
    "dynamic_unet": {"architecture": "dynamic_unet", "backbone": "resnet34"},
    "deeplabv3plus": {"architecture": "deeplabv3plus", "backbone": "resnet50"},
    "segformer": {"architecture": "segformer", "backbone": "mit_b0"},
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[*MODELS, []], default=list(MODELS), metavar="NAME")
    parser.add_argument("--precision", default="auto", help="train.precision")
    arguments = parser.parse_args()
    console.quiet = True
    train = YAML(typ="safe", pure=True).load(PRESET)["train"]
    for name in arguments.names:
        print(json.dumps(measure_model(name, {**train, "weights": "none", **MODELS[name]}, arguments.precision)), flush=True)


def measure_model(name: str, settings: dict[str, Any], precision: str) -> dict[str, Any]:
    keras.utils.clear_session()
    prepare_device(seed=0, precision=precision)
    model = build_model(**settings, channels=3, num_classes=NUM_CLASSES)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (BATCH, SIDE, SIDE, 3), np.uint8)
    masks = rng.integers(0, NUM_CLASSES, (BATCH, SIDE, SIDE), np.uint8)
    schedule = {name: settings[name] for name in ("learning_rate", "weight_decay", "warmup")}
    model.compile(build_optimizer(model, **schedule, steps=1000), build_loss(settings, "softmax", None), jit_compile="auto")
    training = BATCH / measure(lambda: model.train_on_batch(pictures, masks))
    # After training: TensorFlow leaves out what untrained norms add, zeros.
    frozen = freeze_weights(fold_norms(model))
    inference = BATCH / measure(lambda: frozen.predict_on_batch(pictures))
    one = 1 / measure(lambda: frozen.predict_on_batch(pictures[:1]))
    return {
        "benchmark": "models",
        "model": name,
        "unit": f"pictures/s at {SIDE} x {SIDE}, training in batches of {BATCH}, {os.cpu_count()} processors",
        "figure": round(training, 2),
        "inference": round(inference, 2),
        "inference_of_one": round(one, 2),
        "parameters": model.count_params(),
        "precision": choose_precision(precision),
    }


def measure(step: Callable[[], object]) -> float:
    """Return the seconds of the fastest of several steps, after two that compile and settle."""
    seconds = []
    for _ in range(2 + ROUNDS):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return min(seconds[2:])


if __name__ == "__main__":
    main()
