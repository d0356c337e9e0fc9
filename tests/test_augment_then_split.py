import importlib
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("augment_then_split")


def test_as_many_draws_as_pictures_hold_each_out_twice_and_let_each_validate_once(benchmark: ModuleType) -> None:
    ids = list("abcdefg")
    draws = [benchmark.draw_parts(ids, number) for number in range(7)]
    assert all(Counter(draw.values()) == {"test": 2, "val": 1, "train": 4} for draw in draws)
    assert all(Counter(draw[name] for draw in draws) == {"test": 2, "val": 1, "train": 4} for name in ids)


def test_first_three_draws_hold_out_six_different_pictures(benchmark: ModuleType) -> None:
    draws = [benchmark.draw_parts(list("gfedcba"), number) for number in range(3)]
    assert len({name for draw in draws for name, part in draw.items() if part == "test"}) == 6


def test_random_split_shares_all_pictures_out_each_with_its_mask_and_parent(benchmark: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    numbers = np.arange(20, dtype=np.uint8)
    np.save(tmp_path / "all/images.npy", np.broadcast_to(numbers[:, None, None, None], (20, 2, 3, 3)))
    np.save(tmp_path / "all/masks.npy", np.broadcast_to(numbers[:, None, None], (20, 2, 3)))
    pd.DataFrame({"id": numbers, "parent": numbers // 10}).to_csv(tmp_path / "all/samples.csv", index=False)
    assert benchmark.split_at_random(tmp_path / "all", tmp_path / "split", seed=0) == 16
    seen = []
    for part in ("train", "val"):
        images, masks = (np.load(tmp_path / "split" / part / name) for name in ("images.npy", "masks.npy"))
        rows = pd.read_csv(tmp_path / "split" / part / "samples.csv")
        assert images[:, 0, 0, 0].tolist() == masks[:, 0, 0].tolist() == rows["id"].tolist()
        assert set(rows["parent"]) == {0, 1}  # siblings lie on both sides
        seen += rows["id"].tolist()
    assert sorted(seen) == numbers.tolist()


def test_quarters_are_scored_one_by_one(benchmark: ModuleType, tmp_path: Path) -> None:
    mask = np.ones((1, 4, 6), np.uint8)
    prediction = np.ones((4, 6), np.uint8)
    prediction[0, 0:2] = 0  # 2 of the 6 pixels of the upper left quarter: dice 2 * 4 / (6 + 4)
    (tmp_path / "val").mkdir()
    np.save(tmp_path / "val/images.npy", np.zeros((1, 4, 6, 3), np.uint8))
    np.save(tmp_path / "val/masks.npy", mask)
    model = SimpleNamespace(mask=lambda picture: prediction)
    assert benchmark.measure_quarters(model, tmp_path) == pytest.approx((0.8, 1.0))
    assert benchmark.measure(model, tmp_path) == pytest.approx(2 * 22 / (24 + 22))
