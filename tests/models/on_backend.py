"""What test_other_backends.py has done in processes of their own, each on the Keras backend that KERAS_BACKEND names.

python on_backend.py make FOLDER      TensorFlow: writes NAME.keras of every case, and NAME.npz, its logits
python on_backend.py answer FOLDER    for each of these NAME.BACKEND.npz, the logits; saves it anew as BACKEND/NAME.keras
python on_backend.py train FOLDER     writes losses.BACKEND.json: two training steps of each, in float32 and mixed_bfloat16
python on_backend.py return FOLDER    TensorFlow: the logits of BACKEND/NAME.keras, as BACKEND/NAME.npz
"""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from maskmill.models import build_model
from maskmill.models.archive import load_model, save_model
from maskmill.training.losses import build_loss

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "unet": ("unet", {"backbone": "resnet18"}),
    "unet-plain": ("unet", {"backbone": None, "base_filters": 8, "depth": 4, "activation": "elu", "upsampling": "bilinear"}),
    "xception_unet": ("xception_unet", {}),
    "segnet": ("segnet", {}),
    "segnet_basic": ("segnet_basic", {}),
    "fcn": ("fcn", {"backbone": "vgg16"}),
    "dynamic_unet": ("dynamic_unet", {"backbone": "mobilenetv2", "self_attention": True}),
    "deeplabv3plus": ("deeplabv3plus", {"backbone": "resnet18"}),
    "segformer": ("segformer", {"backbone": "mit_b0"}),
}
NUM_CLASSES = 3
SIZES = ((97, 131), (64, 96))
LOSS = {"loss": "ce_dice", "label_smoothing": 0.0, "focal_gamma": 2.0, "tversky": (0.3, 0.7)}  # of presets/default.yaml


def main(task: str, folder: Path) -> None:
    {"make": make, "answer": answer, "train": train, "return": answer_returned}[task](folder)


def make(folder: Path) -> None:
    for name in CASES:
        keras.utils.set_random_seed(0)
        model = build(name)
        train_a_little(model)
        save_model(model, folder / f"{name}.keras", {})
        np.savez(folder / f"{name}.npz", *predict(model))
        keras.utils.clear_session()


def answer(folder: Path) -> None:
    backend = keras.backend.backend()
    (folder / backend).mkdir()
    for name in CASES:
        model, _ = load_model(folder / f"{name}.keras")
        np.savez(folder / f"{name}.{backend}.npz", *predict(model))
        save_model(model, folder / backend / f"{name}.keras", {})
        keras.utils.clear_session()


def answer_returned(folder: Path) -> None:
    for path in folder.glob("*/*.keras"):
        np.savez(path.with_suffix(".npz"), *predict(load_model(path)[0]))
        keras.utils.clear_session()


def train(folder: Path) -> None:
    losses = {}
    for name in CASES:
        keras.config.set_dtype_policy("float32")
        losses[name] = {"float32": take_steps(load_model(folder / f"{name}.keras")[0])}
        keras.config.set_dtype_policy("mixed_bfloat16")
        losses[name]["mixed_bfloat16"] = take_steps(build(name))
        keras.utils.clear_session()
    (folder / f"losses.{keras.backend.backend()}.json").write_text(json.dumps(losses))


def build(name: str) -> keras.Model:
    architecture, settings = CASES[name]
    return build_model(architecture, channels=3, num_classes=NUM_CLASSES, weights="none", **settings)


def compile_model(model: keras.Model, rate: float) -> None:
    """Compile with a plain gradient step; only JAX needs its compiler, without which it takes minutes."""
    model.compile(keras.optimizers.SGD(rate), build_loss(LOSS, "softmax", None), jit_compile=keras.backend.backend() == "jax")


def train_a_little(model: keras.Model) -> None:
    """Give the norms statistics of their own and move their other weights, as training would."""
    rng = np.random.default_rng(0)
    pictures = draw_pictures(64, 96)
    for weight in model.trainable_weights:
        values = keras.ops.convert_to_numpy(weight)
        if weight.path.rsplit("/")[-1] in ("gamma", "beta", "bias"):
            weight.assign(values + rng.uniform(-0.2, 0.2, weight.shape))
        elif not values.any():  # a last convolution that begins at 0 would hide all before it
            weight.assign(rng.normal(0.0, 0.05, weight.shape))
    compile_model(model, 0.0)
    for _ in range(8):
        model.train_on_batch(pictures, draw_masks(64, 96))


def take_steps(model: keras.Model) -> list[float]:
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0  # each backend draws numbers of its own
    compile_model(model, 0.001)
    return [float(model.train_on_batch(draw_pictures(64, 96), draw_masks(64, 96))) for _ in range(2)]


def predict(model: keras.Model) -> list[np.ndarray]:
    return [np.asarray(model.predict_on_batch(draw_pictures(*size))) for size in SIZES]


def draw_pictures(height: int, width: int) -> np.ndarray:
    """Two pictures of smooth colours and noise, uint8 (2, height, width, 3)."""
    rng = np.random.default_rng(height)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / a + columns / b) for a, b in rng.uniform(5, 20, (6, 2))]
    smooth = np.stack(waves, axis=-1).reshape(height, width, 2, 3).transpose(2, 0, 1, 3)
    return np.clip(128 + 80 * smooth + rng.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8)


def draw_masks(height: int, width: int) -> np.ndarray:
    """Masks that follow the pictures' first band, with a column of void: uint8 (2, height, width)."""
    masks = np.minimum(draw_pictures(height, width)[..., 0] // 86, NUM_CLASSES - 1).astype(np.uint8)
    masks[:, :, 0] = 255
    return masks


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
