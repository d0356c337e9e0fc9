"""`python -m maskmill.sources.synthetic data --scenes 150 --flights 12 --seed 0` writes the sample."""

from pathlib import Path

import typer

from maskmill.sources.synthetic.sample import write_sample
from maskmill.sources.synthetic.scenes import CLASS_NAMES
from maskmill.terminal import run_stage, say


def main(folder: Path, scenes: int = 150, flights: int = 12, seed: int = 0) -> None:
    """Write the synthetic sample into FOLDER and print its size and each class's share of the pixels."""
    counts = write_sample(folder, scenes=scenes, flights=flights, seed=seed)
    size = sum(path.stat().st_size for path in folder.iterdir())
    say(f"{folder}: {scenes} scenes, {size / 1e6:.2f} MB")
    for name, count in zip(CLASS_NAMES, counts, strict=True):
        say(f"  {name:<9}{count / counts.sum():6.1%}")


if __name__ == "__main__":
    run_stage(lambda: typer.run(main))
