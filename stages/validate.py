"""Validate: check the encoded data set before anything learns from it; a broken one stops here, with its files named."""

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.data.checks import check_dataset, read_statistics
from maskmill.data.findings import build_failure_table, describe_failures, select_failed, write_findings
from maskmill.data.leakage import find_groups, find_pairs, read_thumbnails
from maskmill.data.leakage_report import write_leakage
from maskmill.data.likeness import count_plain
from maskmill.errors import DataError
from maskmill.params import load_params
from maskmill.terminal import console, run_stage, say, working

LEAKAGE_FIX = (
    "keep what belongs together in one part (source.group, with split.by: ratio where the source's own parts break it), "
    "take one picture of each pair out, or accept it with validate.leakage: warn"
)


def main() -> None:
    params = load_params()
    encoded, leakage = params.paths.encoded, params.paths.leakage
    result_path = params.paths.results / "validate" / "result.json"
    result_path.unlink(missing_ok=True)  # augment must not find an earlier set's
    statistics = read_statistics(encoded / "statistics.csv")
    thumbnails = read_thumbnails(encoded / "thumbnails.npy", len(statistics))
    with working("comparing the pictures of the parts"):
        pairs = find_pairs(statistics, thumbnails, near_duplicate=params.validate_.near_duplicate)
    groups = find_groups(statistics)
    if num_plain := count_plain(thumbnails):
        say(f"{num_plain} of {len(thumbnails)} pictures are plain, dim or finely drawn: only exact duplicates of them can be found")
    write_leakage(pairs, groups, statistics, thumbnails, encoded_dir=encoded, leakage_dir=leakage)
    findings = check_dataset(
        statistics,
        pairs,
        groups,
        labels=params.encode.labels,
        min_samples=params.validate_.min_samples,
        max_unmatched=params.validate_.max_unmatched,
        max_void=params.validate_.max_void,
        min_class_fraction=params.validate_.min_class_fraction,
        max_empty=params.validate_.max_empty,
        leakage=params.validate_.leakage,
        data_docs_dir=params.paths.data_docs,
    )
    failed, warned = select_failed(findings, "error"), select_failed(findings, "warning")
    leaks = [finding for finding in (*failed, *warned) if finding.setting == "leakage"]
    if warned:
        console.print(build_failure_table(warned, "warnings"), style="yellow")
    if leaks:
        say(f"pictures side by side, and what is in more than one part: {leakage}")
    if failed:
        console.print(build_failure_table(failed, "failed checks"))
        fixes = ["correct or remove the files named above; where they are meant to be so, change the limit"]
        raise DataError(
            f"the data set fails: {describe_failures(failed)}",
            expected=f"the limits of the validate section in params.yaml; details: {params.paths.data_docs / 'index.html'}",
            fix=LEAKAGE_FIX if set(failed) <= set(leaks) else "; ".join([*fixes, LEAKAGE_FIX] if leaks else fixes),
        )
    write_findings(findings, result_path)
    say(f"{len(findings) - len(warned)} checks passed, see {params.paths.data_docs / 'index.html'}")


if __name__ == "__main__":
    run_stage(main)
