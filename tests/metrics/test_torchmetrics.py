"""Our figures against torchmetrics', over a set of generated masks. Needs .venv-peers (make peers)."""

import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskmill import metrics

pytestmark = pytest.mark.slow

PEER_PYTHON = Path(__file__).resolve().parents[2] / ".venv-peers/bin/python"
NUM_CLASSES, ABSENT = 6, 5
COUNT, HEIGHT, WIDTH = 12, 97, 131


def draw_regions(rng: np.random.Generator, coarse: tuple[int, int]) -> np.ndarray:
    """Regions of the classes but ABSENT, uint8 (COUNT, HEIGHT, WIDTH): at each place the highest of some smooth surfaces."""
    surfaces = [
        [cv2.resize(rng.normal(size=coarse), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for _ in range(ABSENT)]
        for _ in range(COUNT)
    ]
    return np.argmax(surfaces, axis=1).astype(np.uint8)


def test_figures_are_those_of_torchmetrics(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = draw_regions(rng, (5, 7))
    prediction = np.where(draw_regions(rng, (4, 6)) == 0, draw_regions(rng, (9, 12)), truth)  # wrong in patches
    truth[:, :3] = metrics.VOID
    truth[:, :, -2:] = metrics.VOID
    np.savez(tmp_path / "masks.npz", truth=truth, prediction=prediction, num_classes=NUM_CLASSES)
    command = [PEER_PYTHON, Path(__file__).with_name("on_torchmetrics.py"), tmp_path / "masks.npz"]
    peer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    matrix = metrics.confusion_matrix(truth, prediction, NUM_CLASSES)
    assert np.array_equal(matrix, peer["confusion"])
    per_class = {
        "dice": metrics.dice_per_class(matrix),
        "iou": metrics.iou_per_class(matrix),
        "precision": metrics.precision_per_class(matrix),
        "true_positive_rate": metrics.true_positive_rate_per_class(matrix),
    }
    for name, figures in per_class.items():
        assert np.isnan(figures[ABSENT]), name  # torchmetrics has 0 for a class that is not there
        np.testing.assert_allclose(figures[:ABSENT], peer[name][:ABSENT], rtol=0, atol=1e-6, err_msg=name)
    whole = {
        "mean_dice": metrics.mean_present(per_class["dice"]),
        "mean_iou": metrics.mean_present(per_class["iou"]),
        "accuracy": metrics.overall_accuracy(matrix),
    }
    for name, figure in whole.items():
        assert 0.3 < figure < 0.95, name
        assert figure == pytest.approx(peer[name], abs=1e-6), name
