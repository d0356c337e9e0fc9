"""A model trained on one Keras backend answers and trains alike on the others. Needs .venv-peers (make peers)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from on_backend import CASES

from maskmill.models import BUILDERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PYTHON = {"tensorflow": sys.executable, **dict.fromkeys(("jax", "torch"), str(ROOT / ".venv-peers/bin/python"))}


def run(backend: str, task: str, folder: Path) -> None:
    """Do a task of on_backend.py in a fresh process on a backend."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT / "src"), "JAX_PLATFORMS": "cpu"}
    command = [PYTHON[backend], str(Path(__file__).with_name("on_backend.py")), task, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model files that TensorFlow wrote, with their logits."""
    folder = tmp_path_factory.mktemp("backends")
    run("tensorflow", "make", folder)
    return folder


def assert_same_logits(found: Path, expected: Path) -> None:
    with np.load(found) as answers, np.load(expected) as rights:
        assert [rights[name].shape[1:3] for name in rights.files] == [(97, 131), (64, 96)]
        for name in rights.files:
            right, answer = rights[name], answers[name]
            assert right.std(axis=(1, 2)).min() > 0.01, found.name  # not the same everywhere
            if found.name.startswith("segnet"):
                # Of two nearly equal values either may be the largest of a window, and then goes to another place.
                assert np.abs(answer - right).mean() < 5e-3, found.name
                assert np.mean(answer.argmax(-1) == right.argmax(-1)) > 0.99, found.name
            else:
                np.testing.assert_allclose(answer, right, rtol=0, atol=1e-4, err_msg=found.name)
                assert np.array_equal(answer.argmax(-1), right.argmax(-1)), found.name


def test_cases_are_of_every_architecture() -> None:
    assert {architecture for architecture, _ in CASES.values()} == set(BUILDERS)


def test_a_model_file_answers_the_same_on_every_backend_and_back(folder: Path) -> None:
    for backend in PYTHON:
        run(backend, "answer", folder)
    run("tensorflow", "return", folder)
    for backend in PYTHON:
        for name in CASES:
            assert_same_logits(folder / f"{name}.{backend}.npz", folder / f"{name}.npz")
            assert_same_logits(folder / backend / f"{name}.npz", folder / f"{name}.npz")


def test_training_steps_lose_the_same_on_every_backend(folder: Path) -> None:
    for backend in PYTHON:
        run(backend, "train", folder)
    losses = {backend: json.loads((folder / f"losses.{backend}.json").read_text()) for backend in PYTHON}
    for name in CASES:
        expected = losses["tensorflow"][name]["float32"]
        assert expected[0] != expected[1]
        for backend in PYTHON:
            first, second = losses[backend][name]["float32"]
            assert first == pytest.approx(expected[0], abs=1e-3), f"{name}: {backend}"
            assert second == pytest.approx(expected[1], abs=1e-2), f"{name}: {backend}"  # one step has made more of last bits
            assert np.isfinite(losses[backend][name]["mixed_bfloat16"]).all(), f"{name}: {backend}"
