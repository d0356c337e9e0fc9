"""Encode: turn every mask into class ids, settle the split, and account for each pixel that matches no class."""

from functools import partial
from pathlib import Path

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.data.encoding import build_class_summary, describe_matches, describe_shared, describe_worst, encode_samples
from maskmill.data.splits import assign_splits
from maskmill.labels import build_class_table
from maskmill.parallel import Workers
from maskmill.params import load_params
from maskmill.sources.manifest import read_manifest
from maskmill.sources.settings import Reading
from maskmill.terminal import console, run_stage, say

PROGRESS = Path(".maskmill/encoding")  # in no cache: what has not changed is not encoded again, whatever DVC does with build/


def main() -> None:
    params = load_params()
    class_table = build_class_table(entry.model_dump() for entry in params.classes)
    manifest = read_manifest(params.paths.raw / "manifest.csv")
    assign = partial(
        assign_splits,
        by=params.split.by,
        seed=params.split.seed,
        val=params.split.val,
        test=params.split.test,
        folds=params.split.folds,
        fold=params.split.fold,
    )
    assign(manifest, None)  # too few groups are an error before the work, not after it
    statistics = encode_samples(
        manifest,
        form=params.source.form,
        reading=Reading(
            image_side=params.source.image_side,
            threshold=params.source.threshold,
            bands=params.source.bands,
            stretch=params.source.stretch,
            max_pixels=params.encode.max_pixels,
        ),
        class_table=class_table,
        labels=params.encode.labels,
        encoded_dir=params.paths.encoded,
        tolerance=params.encode.tolerance,
        unmatched=params.encode.unmatched,
        mask_size=params.encode.mask_size,
        assign=assign if params.split.stratify else lambda manifest, _: assign(manifest, None),
        progress_dir=PROGRESS,
        workers=Workers(params.compute.backend, params.compute.jobs, params.compute.address),
    )
    console.print(build_class_summary(statistics, class_table))
    say(describe_matches(statistics))
    say("samples: " + ", ".join(f"{(statistics['split'] == part).sum()} {part}" for part in ("train", "val", "test")))
    for line in (*describe_shared(class_table), *describe_worst(statistics)):
        say(line)
    say(f"written to {params.paths.encoded}")


if __name__ == "__main__":
    run_stage(main)
