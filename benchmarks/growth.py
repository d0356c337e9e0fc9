"""How the time of encode and augment grows with the data: 500, 1000 and 2000 composites; prints one JSON line.

Both start from scratch, on all cores, in turns over the counts, after a turn that does not count; the figures are medians. The
figure is the time for the most over the time for the fewest, as a part of what it would be if it grew in step: 1 is linear.

    python benchmarks/growth.py [--counts 500 1000 2000] [--rounds 5]
"""

import argparse
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
from functools import partial
from pathlib import Path

import joblib
import pandas as pd
from encode_stage import ALL_CORES, SIDE, clear, encode, measure, write_composites

from maskmill.data.packing import pack_arrays


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--counts", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    counts = sorted(arguments.counts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_composites(folder / "source", counts[-1])
        rounds = [measure_all(manifest, folder, counts) for _ in range(1 + arguments.rounds)][1:]
    encoding, packing = (
        {count: statistics.median(of_round[count][stage] for of_round in rounds) for count in counts} for stage in (0, 1)
    )
    figure = compare(encoding, counts[0], counts[-1])
    print(
        json.dumps(
            {
                "benchmark": "growth",
                "unit": f"seconds for {counts[-1]} composites / what {counts[0]} take in step, encode, {joblib.cpu_count()} cores",
                "figure": figure,
                "peer": "linear growth",
                "peer_figure": 1.0,
                "ratio": figure,
                "encode": describe(encoding, counts),
                "augment": describe(packing, counts),
            }
        )
    )


def measure_all(manifest: pd.DataFrame, folder: Path, counts: list[int]) -> dict[int, tuple[float, float]]:
    """Return the seconds of encode and of augment, by the number of composites."""
    seconds = {}
    for count in counts:
        clear(folder)
        shutil.rmtree(folder / "arrays", ignore_errors=True)
        encoding = measure(partial(encode, manifest[:count], folder))
        seconds[count] = encoding, measure(partial(pack, folder))
    return seconds


def pack(folder: Path) -> None:
    """Do what the augment stage does without copies: all pictures at half their size, a tenth of them for validation."""
    samples = pd.read_csv(folder / "encoded" / "samples.csv")
    samples.loc[samples.index % 10 == 0, "split"] = "val"
    with contextlib.redirect_stdout(sys.stderr):
        pack_arrays(
            samples,
            folder / "encoded",
            folder / "arrays",
            policy="fit",
            image_size=(SIDE // 2, SIDE // 2),
            factor=1.0,
            copies=0,
            total=None,
            transforms=[],
            seed=0,
            workers=ALL_CORES,
        )


def describe(seconds: dict[int, float], counts: list[int]) -> dict[str, float]:
    """Return the seconds of each count, and what the most take in step with each other one."""
    return {f"seconds_{count}": round(seconds[count], 2) for count in counts} | {
        f"{counts[-1]}_to_{count}": compare(seconds, count, counts[-1]) for count in counts[:-1]
    }


def compare(seconds: dict[int, float], fewer: int, more: int) -> float:
    return round(seconds[more] / seconds[fewer] * fewer / more, 3)


if __name__ == "__main__":
    main()
