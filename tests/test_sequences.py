import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SHARED, OTHER = "shared sequence", "other sequences"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("sequences")


def list_samples() -> pd.DataFrame:
    """Return 12 training frames, 7 of them of the sequence that validates, and 3 that validate."""
    rows = [(f"drive_{number:02d}", "train", "drive") for number in range(7)]
    rows += [(f"town_{number:02d}", "train", "town") for number in range(5)]
    rows += [(f"drive_{number:02d}", "val", "drive") for number in range(10, 13)]
    return pd.DataFrame(rows, columns=["id", "split", "group"])


def test_arms_train_on_equally_many_training_frames(benchmark: ModuleType) -> None:
    samples = list_samples()
    for seed in range(5):
        arms = benchmark.draw_arms(samples, seed)
        assert {arm: len(frames) for arm, frames in arms.items()} == {SHARED: 5, OTHER: 5}
        assert all(set(frames["split"]) == {"train"} and frames["id"].is_unique for frames in arms.values())


def test_only_one_arm_sees_the_sequence_that_validates(benchmark: ModuleType) -> None:
    samples = list_samples()
    draws = [benchmark.draw_arms(samples, seed) for seed in range(5)]
    assert all(set(arms[OTHER]["group"]) == {"town"} for arms in draws)
    assert set().union(*(arms[SHARED]["group"] for arms in draws)) == {"drive", "town"}
    assert len({tuple(arms[SHARED]["id"]) for arms in draws}) > 1  # each seed draws anew
    assert benchmark.draw_arms(samples, 3)[SHARED].equals(draws[3][SHARED])


def test_summary_says_what_the_shared_sequence_gives_and_how_it_spreads(benchmark: ModuleType) -> None:
    runs = [
        {
            "arm": arm,
            "seed": seed,
            "pictures": 5,
            "of_val_sequences": shared,
            "dice": dice,
            "iou": dice - 0.1,
            "accuracy": 0.9,
            "classes": {"road": dice + 0.1, "fence": absent},
        }
        for arm, seed, shared, dice, absent in (
            (SHARED, 0, 3, 0.6, 0.2),
            (OTHER, 0, 0, 0.5, float("nan")),
            (SHARED, 1, 2, 0.7, 0.4),
            (OTHER, 1, 0, 0.4, float("nan")),
        )
    ]
    summary = benchmark.summarise(runs, refusal="error: groups\n  more", seconds=1.4)
    assert (summary["figure"], summary["peer_figure"]) == (0.65, 0.45)
    assert summary["ratio"] == pytest.approx(1.444)
    assert summary["gain"] == pytest.approx({"dice": 0.2, "iou": 0.2, "accuracy": 0.0})
    assert summary["gain_in_dice_by_seed"] == pytest.approx([0.1, 0.3])
    assert summary["standard_deviation"][SHARED]["dice"] == pytest.approx(0.071)  # 0.1 / sqrt(2)
    assert summary["dice_of_classes"][SHARED] == pytest.approx({"road": 0.75, "fence": 0.3})
    assert summary["of_val_sequences"] == {SHARED: [3, 2], OTHER: [0, 0]}
    assert summary["validate_refuses"] == "error: groups"
