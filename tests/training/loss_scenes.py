"""Masks and logits small enough to work out losses by hand, for each head; losses and gradients as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from maskmill.labels.classes import VOID_BIT
from maskmill.training.losses import WeightedSum

HEADS = ("softmax", "sigmoid", "sigmoids")
TERMS = (
    "cross_entropy",
    "binary_cross_entropy",
    "dice",
    "log_dice",
    "jaccard",
    "focal",
    "tversky",
    "lovasz",
    "boundary",
)
NUM_CLASSES = {"softmax": 3, "sigmoid": 2, "sigmoids": 2}

# softmax: three classes, the third pixel void
IDS = np.array([[[0, 1, 255], [2, 0, 1]]], np.uint8)  # (1, 2, 3)
SHARES = np.array([[[[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.2, 0.3, 0.5]], [[0.1, 0.1, 0.8], [0.5, 0.25, 0.25], [0.4, 0.4, 0.2]]]])

# sigmoid: the foreground, the third pixel void
FOREGROUND = np.array([[[1, 0, 255], [0, 1, 1]]], np.uint8)
FOREGROUND_SHARES = np.array([[[0.8, 0.3, 0.99], [0.1, 0.6, 0.4]]])

# sigmoids: two classes that overlap, the last pixel void
BITS = np.array([[[0b01, 0b11, 0b00], [0b10, 0b00, VOID_BIT | 0b11]]], np.uint16)
BIT_SHARES = np.stack([[[[0.8, 0.6, 0.3], [0.2, 0.1, 0.9]]], [[[0.4, 0.7, 0.5], [0.9, 0.2, 0.01]]]], axis=-1)


def log_odds(shares: NDArray) -> NDArray[np.float32]:
    return np.log(shares / (1 - shares)).astype(np.float32)


def beside_zero(logits: NDArray) -> NDArray[np.float32]:
    return np.stack([np.zeros_like(logits), logits], axis=-1).astype(np.float32)


SCENES: dict[str, tuple[NDArray, NDArray[np.float32]]] = {
    "softmax": (IDS, (np.log(SHARES) + 0.75).astype(np.float32)),  # what is added to all logits of a pixel does not matter
    "sigmoid": (FOREGROUND, beside_zero(log_odds(FOREGROUND_SHARES))),
    "sigmoids": (BITS, log_odds(BIT_SHARES)),
}

# the areas of each plane, in pixels: of truth and prediction together, of truth, of prediction
AREAS = {
    "softmax": [
        (0.7 + 0.5, 2, 0.7 + 0.3 + 0.1 + 0.5 + 0.4),
        (0.6 + 0.4, 2, 0.2 + 0.6 + 0.1 + 0.25 + 0.4),
        (0.8, 1, 0.1 + 0.1 + 0.8 + 0.25 + 0.2),
    ],
    "sigmoid": [(0.8 + 0.6 + 0.4, 3, 0.8 + 0.3 + 0.1 + 0.6 + 0.4)],
    "sigmoids": [(0.8 + 0.6, 2, 0.8 + 0.6 + 0.3 + 0.2 + 0.1), (0.7 + 0.9, 2, 0.4 + 0.7 + 0.5 + 0.9 + 0.2)],
}


def find_loss(terms: str | Mapping[str, float], masks: NDArray, logits: NDArray, head: str, **settings: Any) -> float:
    """Return the loss, as training has it: masks and logits through Keras."""
    loss = WeightedSum({terms: 1.0} if isinstance(terms, str) else terms, head, **settings)
    return float(keras.ops.convert_to_numpy(loss(masks, logits)))


def find_gradient(
    terms: str | Mapping[str, float], masks: NDArray, logits: NDArray, head: str, **settings: Any
) -> NDArray[np.float32]:
    """Return the loss's gradient at the logits, from a step of gradient descent on what is added to them, 0 to begin with."""
    inputs = keras.Input(logits.shape[1:])
    added = _Added(logits.shape[1:])
    model = keras.Model(inputs, added(inputs))
    loss = WeightedSum({terms: 1.0} if isinstance(terms, str) else terms, head, **settings)
    model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=True)
    model.train_on_batch(logits.astype(np.float32), masks)
    return -keras.ops.convert_to_numpy(added.amount)[np.newaxis]


class _Added(keras.layers.Layer):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.amount = self.add_weight(shape=shape, initializer="zeros")

    def call(self, logits: Any) -> Any:
        return logits + self.amount


@dataclass(frozen=True)
class Scene:
    """A random one: masks (1, H, W) and logits (1, H, W, K) of a head."""

    head: str
    masks: NDArray
    logits: NDArray[np.float32]

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Where a pixel is not void: (1, H, W)."""
        return self.masks < VOID_BIT if self.head == "sigmoids" else self.masks != 255

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Where each class is: (1, H, W, K), of void pixels no class."""
        numbers = np.arange(self.logits.shape[-1])
        masks = self.masks[..., np.newaxis].astype(int)
        return ((masks >> numbers & 1 == 1) if self.head == "sigmoids" else masks == numbers) & self.counted[..., np.newaxis]

    def predict(self, margin: float) -> NDArray[np.float32]:
        """Return logits (1, H, W, K) that are right everywhere by a margin on both sides of 0."""
        logits = np.where(self.truth, margin, -margin).astype(np.float32)
        return beside_zero(logits[..., 1]) if self.head == "sigmoid" else logits


@st.composite
def draw_scenes(draw: st.DrawFn, scale: float = 3.0, heads: tuple[str, ...] = HEADS) -> Scene:
    """Draw a head, masks with some void and some class (2 to 5 by 3 to 7 pixels), and logits of a scale."""
    head = draw(st.sampled_from(heads))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    num_classes = NUM_CLASSES[head]
    size = (1, draw(st.integers(2, 5)), draw(st.integers(3, 7)))
    masks = random.integers(0, 2**num_classes if head == "sigmoids" else num_classes, size).astype(np.uint16)
    masks[:, 0, 0] = 1  # class 0 where classes are bits, class 1 where they are ids
    void = random.random(size) < 0.2
    void[:, 0, 0] = False
    masks = np.where(void, masks | VOID_BIT if head == "sigmoids" else 255, masks).astype(np.uint16)
    logits = random.normal(0, scale, (*size, num_classes)).astype(np.float32)
    if head == "sigmoid":
        logits[..., 0] = 0
    return Scene(head, masks, logits)
