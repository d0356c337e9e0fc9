"""Validate: check the encoded data set before anything learns from it; a broken one stops here, with its files named."""

import _checkout  # noqa: F401  first: this checkout's package before any installed one

from maskmill.data.checks import check_dataset, read_statistics
from maskmill.data.findings import build_failure_table, describe_failures, write_findings
from maskmill.errors import DataError
from maskmill.params import load_params
from maskmill.terminal import console, run_stage, say


def main() -> None:
    params = load_params()
    result_path = params.paths.results / "validate" / "result.json"
    result_path.unlink(missing_ok=True)  # augment must not find an earlier set's
    findings = check_dataset(
        read_statistics(params.paths.encoded / "statistics.csv"),
        labels=params.encode.labels,
        min_samples=params.validate_.min_samples,
        max_unmatched=params.validate_.max_unmatched,
        max_void=params.validate_.max_void,
        min_class_fraction=params.validate_.min_class_fraction,
        max_empty=params.validate_.max_empty,
        max_duplicates=0,
        data_docs_dir=params.paths.data_docs,
    )
    failed = describe_failures(findings)
    if failed:
        console.print(build_failure_table(findings))
        raise DataError(
            f"the data set fails: {failed}",
            expected=f"the limits of the validate section in params.yaml; details: {params.paths.data_docs / 'index.html'}",
            fix="correct or remove the files named above; where they are meant to be so, change the limit",
        )
    write_findings(findings, result_path)
    say(f"{len(findings)} checks passed, see {params.paths.data_docs / 'index.html'}")


if __name__ == "__main__":
    run_stage(main)
