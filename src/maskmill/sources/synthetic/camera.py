"""From canvas to photo: sunlight and shadows by the heights, then air, optics and sensor."""

import cv2
import numpy as np
from numpy.typing import NDArray

from maskmill.sources.synthetic.canvas import CANVAS_SIZE, OVERSAMPLING, PHOTO_SIZE, Canvas, FloatMap, fractal_noise
from maskmill.sources.synthetic.flights import Flight

HAZE = np.array([0.62, 0.68, 0.76], np.float32)  # linear RGB of lit air


def photograph(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> NDArray[np.uint8]:
    """Return the photo of a canvas, uint8 (PHOTO_SIZE, PHOTO_SIZE, 3) RGB."""
    ground = cv2.resize(_light(canvas, rng, flight), (PHOTO_SIZE, PHOTO_SIZE), interpolation=cv2.INTER_AREA)
    hazy = ground * (1 - flight.haze) + HAZE * flight.haze
    seen = cv2.GaussianBlur(hazy, (0, 0), flight.blur) * _vignette(flight)[..., np.newaxis]
    return _develop(seen, rng, flight)


def label_majority(canvas: Canvas, num_classes: int) -> NDArray[np.uint8]:
    """Return the label mask of the photo's size: in each pixel the class that covers most of it and its surroundings."""
    shares = [
        cv2.resize(
            cv2.GaussianBlur((canvas.labels == label).astype(np.float32), (0, 0), 1.2),
            (PHOTO_SIZE,) * 2,
            interpolation=cv2.INTER_AREA,
        )
        for label in range(num_classes)
    ]
    return np.argmax(shares, axis=0).astype(np.uint8)


def _light(canvas: Canvas, rng: np.random.Generator, flight: Flight) -> FloatMap:
    """Return linear radiance (CANVAS_SIZE, CANVAS_SIZE, 3): albedo under the flight's sun and sky."""
    sun = _shade(canvas, flight) * (1 - _cast_shadows(canvas, flight))
    if flight.cloud_shadow:
        cloud = cv2.GaussianBlur(np.clip(1.2 * fractal_noise(rng, 420, 2) - 0.3, 0, 1), (0, 0), 12)
        sun *= 1 - flight.cloud_shadow * cloud
    hollow = np.clip(cv2.GaussianBlur(canvas.height, (0, 0), 2.0 * canvas.scale) - canvas.height, 0, 6)
    sky = 1 - 0.09 * hollow  # gaps between crowns and walls see less of the sky
    return canvas.albedo * cv2.merge([sun * flight.sunlight[band] + sky * flight.skylight[band] for band in range(3)])


def _shade(canvas: Canvas, flight: Flight) -> FloatMap:
    """Return how squarely the sun meets each slope, 1 on level ground."""
    surface = cv2.GaussianBlur(canvas.height, (0, 0), 0.8)
    slope_x = np.clip(cv2.Sobel(surface, cv2.CV_32F, 1, 0, scale=canvas.scale / 8), -1, 1)
    slope_y = np.clip(cv2.Sobel(surface, cv2.CV_32F, 0, 1, scale=canvas.scale / 8), -1, 1)
    uphill = slope_x * np.cos(flight.sun_azimuth) + slope_y * np.sin(flight.sun_azimuth)  # rising away from the sun: facing it
    facing = (uphill / np.tan(flight.sun_elevation) + 1) / np.sqrt(1 + slope_x**2 + slope_y**2)
    return np.clip(facing, 0, 1.7).astype(np.float32)


def _cast_shadows(canvas: Canvas, flight: Flight) -> FloatMap:
    """Return how much of the sun is blocked, 0..1, by walking from each pixel towards the sun and looking for something higher."""
    step = 2.0  # canvas pixels; the soft edge hides it
    fall = step / canvas.scale * np.tan(flight.sun_elevation)
    ceiling = np.full_like(canvas.height, -1e3)
    for number in range(1, int(canvas.height.max() / fall) + 2):
        dx = round(number * step * np.cos(flight.sun_azimuth))
        dy = round(number * step * np.sin(flight.sun_azimuth))
        if max(abs(dx), abs(dy)) >= CANVAS_SIZE:
            break
        here, there = _shifted(dy), _shifted(dx)
        source, target = (here[0], there[0]), (here[1], there[1])
        np.maximum(ceiling[target], canvas.height[source] - np.float32(number * fall), out=ceiling[target])
    blocked = np.clip((ceiling - canvas.height) / 0.6, 0, 1)
    return np.asarray(cv2.GaussianBlur(blocked, (0, 0), 0.5 * OVERSAMPLING), np.float32)


def _shifted(offset: int) -> tuple[slice, slice]:
    """Return where values come from and where they go along one axis when all move by `offset`."""
    if offset >= 0:
        return slice(0, CANVAS_SIZE - offset), slice(offset, CANVAS_SIZE)
    return slice(-offset, CANVAS_SIZE), slice(0, CANVAS_SIZE + offset)


def _vignette(flight: Flight) -> FloatMap:
    rows, columns = np.mgrid[:PHOTO_SIZE, :PHOTO_SIZE].astype(np.float32) / (PHOTO_SIZE / 2) - 1
    return 1 - np.float32(flight.vignetting) * (rows**2 + columns**2) / 2


def _develop(radiance: FloatMap, rng: np.random.Generator, flight: Flight) -> NDArray[np.uint8]:
    """Apply exposure, white balance, tone curve and noise, and round to 8 bits."""
    exposed = np.clip(radiance * flight.white_balance * flight.exposure, 0, None)
    tone = (exposed / (1 + 0.25 * exposed**2)) ** np.float32(1 / 2.2)  # a soft shoulder keeps white roofs from clipping
    contrasted = np.clip(0.45 * (tone / 0.45) ** np.float32(flight.contrast), 0, 1)
    grey = contrasted.mean(axis=2, keepdims=True)
    coloured = grey + (contrasted - grey) * np.float32(flight.saturation)
    luminance_noise = rng.standard_normal((PHOTO_SIZE, PHOTO_SIZE, 1), dtype=np.float32)
    colour_noise = rng.standard_normal((PHOTO_SIZE, PHOTO_SIZE, 3), dtype=np.float32)
    noise = flight.noise * (0.8 * luminance_noise + 0.5 * colour_noise)
    return np.clip(np.round(coloured * 255 + noise), 0, 255).astype(np.uint8)
