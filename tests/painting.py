"""Pictures for tests that look at what pictures look like."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def paint(seed: int, height: int = 90, width: int = 140) -> NDArray[np.uint8]:
    """Paint soft blots in colours, with some noise, uint8 (height, width, 3)."""
    generator = np.random.default_rng(seed)
    blots = generator.integers(0, 256, (7, 9, 3), np.uint8)
    picture = cv2.resize(blots, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + generator.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def save_again(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return a picture as it is after it was saved as a JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))
