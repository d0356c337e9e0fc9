"""The one way from a picture to its mask: evaluate, predict and the served model all come through here.

The scale is a policy that travels with the model. `fit` resizes the whole picture to the training size and the logits back;
`native` covers the picture, at the training scale, with overlapping tiles and blends them.
"""

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.errors import DataError, ModelError
from maskmill.evaluation.decisions import DECISIONS, Decision, lower_planes, spread_thresholds
from maskmill.labels.bits import MOST_CLASSES, LabelMask, Labels
from maskmill.models.folding import fold_norms
from maskmill.models.freezing import freeze_weights
from maskmill.scaling import pad_picture, resize_picture, tile_starts


class Predictor:
    """A model together with what it was trained to expect: pictures in, masks of the same size out, from any thread.

    Args:
        model: keras model, uint8 (B, H, W, C) to logits (B, H, W, K).
        description: the maskmill.json of the model's archive: its `scale`, `classes`, `channels`, `labels` (absent: exclusive) and
            `thresholds` (absent: a half).
        batch_size: tiles in one forward pass.

    Raises:
        ModelError: the description lacks something, or names another number of classes than the model has.
    """

    def __init__(self, model: Any, description: Mapping[str, Any], *, batch_size: int = 8) -> None:
        try:
            classes = sorted(description["classes"], key=lambda entry: entry["id"])
            scale = description["scale"]
            self.image_size: tuple[int, int] = (int(scale["image_size"][0]), int(scale["image_size"][1]))
            self.policy: str = scale["policy"]
            self.factor = float(scale["factor"])
            self.overlap = float(scale["overlap"])
            self.channels = int(description["channels"])
            self.labels: Labels = description.get("labels", "exclusive")
            self.class_names = tuple(str(entry["name"]) for entry in classes)
            self.thresholds = spread_thresholds(description.get("thresholds", ()), self.labels, len(classes))
            self.palette: NDArray[np.uint8] = np.full((256, 3), 255, np.uint8)
            self.palette[: len(classes)] = [entry["colour"] for entry in classes]
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise ModelError(f"the model's description does not say how to use it: {error!r}", fix="train it again") from error
        if self.labels not in DECISIONS or (self.labels == "overlapping" and self.num_classes > MOST_CLASSES):
            raise ModelError(
                f"the model's description says {self.labels} labels of {self.num_classes} classes",
                expected=f"exclusive ones, or overlapping ones of at most {MOST_CLASSES} classes",
                fix="train it again",
            )
        if model.output_shape[-1] != self.num_classes:
            raise ModelError(f"the model tells {model.output_shape[-1]} classes apart, its description names {self.num_classes}")
        self.model = freeze_weights(fold_norms(model))
        self.description = description
        self.batch_size = batch_size
        self._lock = threading.Lock()  # Keras builds its compiled function at the first call, and none of this is re-entrant

    @property
    def num_classes(self) -> int:
        """The number of classes, void not among them."""
        return len(self.class_names)

    def check_classes(self, names: Sequence[str]) -> None:
        """Raise ModelError unless the model's classes are those of a data set, `names` in id order."""
        if tuple(names) != self.class_names:
            raise ModelError(
                f"the model tells apart {', '.join(self.class_names)}; the data set's classes are {', '.join(names)}",
                expected="the same classes in the same order",
                fix="train on this data set (dvc repro train), or evaluate on the one the model was trained on",
            )

    def logits(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the logits of uint8 (H, W, C), grey or RGB whichever of the two the model takes: float32 (H, W, K)."""
        adapted = adapt_channels(picture, self.channels)
        with self._lock:
            return predict_logits(self.model, adapted, **self._settings())

    def mask(self, picture: NDArray[np.uint8]) -> LabelMask:
        """Return the label mask of uint8 (H, W, C), grey or RGB whichever of the two the model takes.

        Returns:
            (H, W): uint8 class ids, or uint16 with a bit a class where they overlap.
        """
        adapted = adapt_channels(picture, self.channels)
        with self._lock:
            return predict_mask(self.model, adapted, thresholds=self.thresholds, **self._settings())

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("policy", "image_size", "factor", "overlap", "batch_size", "labels")}


def adapt_channels(picture: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Give a picture the number of channels that a model takes: grey is repeated for RGB, RGB becomes its luma for grey.

    Args:
        picture: uint8 (H, W, C).
        channels: what the model takes.

    Returns:
        uint8 (H, W, channels).

    Raises:
        DataError: not uint8 (H, W, C), or no meaningful way between the two counts.
    """
    if picture.ndim != 3 or picture.dtype != np.uint8 or 0 in picture.shape:
        raise DataError(f"a picture came as {picture.dtype} {picture.shape}", expected="uint8 (height, width, channels)")
    if picture.shape[2] == channels:
        return picture
    if (picture.shape[2], channels) == (1, 3):
        return np.repeat(picture, 3, axis=2)
    if (picture.shape[2], channels) == (3, 1):
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)[..., np.newaxis]
    raise DataError(
        f"the picture has {picture.shape[2]} channels, the model takes {channels}",
        expected=f"a picture of {channels} channels",
        fix="give it pictures like those it was trained on",
    )


def predict_logits(
    model: Any,
    picture: NDArray[np.uint8],
    *,
    policy: str,
    image_size: tuple[int, int],
    factor: float,
    overlap: float,
    batch_size: int,
    labels: Labels = "exclusive",
) -> NDArray[np.float32]:
    """Predict a picture's logits at its own size.

    Args:
        model: keras model, uint8 (B, H, W, C) to logits (B, H, W, K).
        picture: uint8 (H, W, C) with the model's number of channels.
        policy: "fit" (the picture resized to image_size) or "native" (tiles of image_size).
        image_size: (height, width) of every forward pass.
        factor: native: the scale of the tiles, in tile pixels per picture pixel.
        overlap: native: the part of a tile, 0 to below 1, that it shares with its neighbour at least.
        batch_size: native: tiles in one forward pass.
        labels: whether probabilities are the softmax of logits ("exclusive") or the sigmoid of each ("overlapping").

    Returns:
        float32 (H, W, K); under native those of the blended probabilities.

    Raises:
        ModelError: an unknown policy.
    """
    planes = _predict_planes(
        model,
        picture,
        policy=policy,
        image_size=image_size,
        factor=factor,
        overlap=overlap,
        batch_size=batch_size,
        decision=DECISIONS[labels],
    )
    return np.stack(list(planes), axis=-1)  # (H, W, K)


def predict_mask(
    model: Any,
    picture: NDArray[np.uint8],
    *,
    policy: str,
    image_size: tuple[int, int],
    factor: float,
    overlap: float,
    batch_size: int,
    labels: Labels = "exclusive",
    thresholds: Sequence[float] = (),
) -> LabelMask:
    """Predict a picture's mask, (H, W), from `predict_logits`, class by class.

    Exclusive labels give uint8 ids: the arg max, ties to the lowest id. Overlapping ones give uint16 bits: those of logits above 0.
    The (H, W, K) logits of a large picture are never whole in memory.

    Args:
        model, picture, policy, image_size, factor, overlap, batch_size, labels: as `predict_logits`.
        thresholds: the probability from which a pixel is of each class, K of them; empty for a half.
    """
    decision = DECISIONS[labels]
    planes = _predict_planes(
        model,
        picture,
        policy=policy,
        image_size=image_size,
        factor=factor,
        overlap=overlap,
        batch_size=batch_size,
        decision=decision,
    )
    return decision.decide(lower_planes(planes, thresholds) if thresholds else planes)


def _predict_planes(
    model: Any,
    picture: NDArray[np.uint8],
    *,
    policy: str,
    image_size: tuple[int, int],
    factor: float,
    overlap: float,
    batch_size: int,
    decision: Decision,
) -> Iterator[NDArray[np.float32]]:
    """Yield the logits of each class at the picture's own size, (H, W)."""
    height, width = picture.shape[:2]
    if policy == "fit":
        scores = _forward(model, resize_picture(picture, image_size)[np.newaxis])[0]
    elif policy == "native":
        scaled = resize_picture(picture, (max(1, round(height * factor)), max(1, round(width * factor))))
        scores = _predict_tiled(model, scaled, image_size, overlap=overlap, batch_size=batch_size, decision=decision)
    else:
        raise ModelError(f"scale.policy {policy!r} is unknown", expected="fit or native", fix="train the model again")
    for k in range(scores.shape[-1]):
        yield _resize_plane(scores[..., k], (height, width))


def _predict_tiled(
    model: Any, picture: NDArray[np.uint8], tile: tuple[int, int], *, overlap: float, batch_size: int, decision: Decision
) -> NDArray[np.float32]:
    """Cover a picture with tiles and average their probabilities under a smooth window; return their logits (H, W, K)."""
    height, width = picture.shape[:2]
    padded = pad_picture(picture, tile)
    rows, columns = (tile_starts(padded.shape[side], tile[side], overlap) for side in (0, 1))
    corners = list(itertools.product(rows, columns))
    # Two shapes only, one tile and a full batch, so that the model is compiled at most twice.
    batch_size = 1 if len(corners) == 1 else batch_size
    window = _blending_window(tile)  # (h, w, 1)
    total = np.zeros((*padded.shape[:2], model.output_shape[-1]), np.float32)
    weight = np.zeros((*padded.shape[:2], 1), np.float32)
    for first in range(0, len(corners), batch_size):
        group = corners[first : first + batch_size]
        tiles = np.zeros((batch_size, *tile, picture.shape[2]), np.uint8)
        for row, (top, left) in enumerate(group):
            tiles[row] = padded[top : top + tile[0], left : left + tile[1]]
        for (top, left), logits in zip(group, _forward(model, tiles), strict=False):  # what fills the last batch up is dropped
            place = np.s_[top : top + tile[0], left : left + tile[1]]
            total[place] += window * decision.squash(logits)
            weight[place] += window
    return decision.unsquash(np.asarray(total / weight, np.float32))[:height, :width]


def _forward(model: Any, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    # predict_on_batch is the compiled function without predict's set-up: several times faster than model(batch) or predict
    return np.asarray(model.predict_on_batch(batch), np.float32)


def _blending_window(tile: tuple[int, int]) -> NDArray[np.float32]:
    """A raised cosine over both sides, (h, w, 1): a tile counts most in its middle, where it has seen the surroundings."""
    rows, columns = (np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 for side in tile)
    return np.outer(rows, columns).astype(np.float32)[..., np.newaxis]


def _resize_plane(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(np.ascontiguousarray(plane), size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
