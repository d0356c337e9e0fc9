"""The checks that a data set has to pass before anything learns from it, as Great Expectations suites over its statistics.

Great Expectations judges and writes the Data Docs; it sees small tables: the samples, the parts, the classes, and what is in more
than one part. This import takes seconds: only the validate stage needs it.
"""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from maskmill import outputs
from maskmill.data.findings import Finding, Severity
from maskmill.data.leakage import DUPLICATE, NEAR_DUPLICATE, PARTS, name_samples
from maskmill.errors import DataError
from maskmill.terminal import working

os.environ["GX_ANALYTICS_ENABLED"] = "False"  # read on import
with working("starting Great Expectations"), warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports deprecated modules
    import great_expectations as gx
    import great_expectations.expectations as gxe

Labels = Literal["exclusive", "overlapping"]
PIXELS = "pixels_"
COLUMNS = [
    *("id", "source_image", "source_mask", "split", "group", "image_height", "image_width", "mask_height", "mask_width"),
    *("channels", "image_hash", "exact", "tolerated", "unmatched", "void"),
]
CULPRITS = {  # the column of each table that names them
    "samples": "file",
    "parts": "split",
    "classes": "class",
    "duplicates": "files",
    "near-duplicates": "files",
    "groups": "counts",
}
ROUNDING = 1e-6  # of the fractions in statistics.csv


@dataclass(frozen=True)
class Check:
    """One expectation about one table, and how to report it (see `Finding`)."""

    name: str
    setting: str
    limit: float
    observed: float
    expectation: gxe.Expectation
    severity: Severity = "error"


def read_statistics(path: Path) -> pd.DataFrame:
    """Read statistics.csv with texts as texts, so that an id "007" or a group "NA" stays what it is; empty cells are missing.

    Raises:
        DataError: columns are missing.
    """
    texts = ("id", "source_image", "source_mask", "split", "group", "image_hash")
    statistics = pd.read_csv(path, dtype=dict.fromkeys(texts, "str"), keep_default_na=False, na_values=[""])
    absent = [column for column in COLUMNS if column not in statistics.columns]
    if absent or not any(column.startswith(PIXELS) for column in statistics.columns):
        raise DataError(f"{path} lacks columns: {', '.join(absent) or PIXELS + '<class name>'}", fix="dvc repro --force encode")
    return statistics


def check_dataset(
    statistics: pd.DataFrame,
    pairs: pd.DataFrame,
    groups: pd.DataFrame,
    *,
    labels: Labels,
    min_samples: int,
    max_unmatched: float,
    max_void: float,
    min_class_fraction: float,
    max_empty: float,
    leakage: Literal["fail", "warn"],
    data_docs_dir: Path,
) -> list[Finding]:
    """Check a data set by the statistics of its samples and write the outcome as Data Docs.

    Args:
        statistics: statistics.csv as `read_statistics` gives it, one row a sample, one column pixels_<name> a class.
        pairs: the pictures that are in two parts, as `leakage.find_pairs` gives them.
        groups: the groups that are in several parts, as `leakage.find_groups` gives them.
        labels: whether a pixel has one class or any number of them.
        min_samples: in each of train, val and test.
        max_unmatched: fraction of a mask's pixels that match no class.
        max_void: fraction of a mask's pixels that are void.
        min_class_fraction: of all labelled training pixels (those that are not void), for every class.
        max_empty: fraction of masks without any labelled pixel.
        leakage: whether pictures and groups in more than one part are errors or warnings.
        data_docs_dir: folder for the HTML pages, replaced as a whole.

    Returns:
        a finding for each check, passed or not.
    """
    tables = {**_build_tables(statistics, labels), **_build_leakage_tables(statistics, pairs, groups)}
    severity: Severity = "error" if leakage == "fail" else "warning"
    samples = tables["samples"]
    checks = {
        "samples": [
            _at_most("complete rows", samples["missing_values"], 0),
            _equal("equal heights", samples, "image_height", "mask_height"),
            _equal("equal widths", samples, "image_width", "mask_width"),
            _at_most("ids in range", samples["unaccounted"], ROUNDING),
            _at_most("unmatched pixels", samples["unmatched"], max_unmatched, setting="max_unmatched"),
            _at_most("void pixels", samples["void"], max_void, setting="max_void"),
            _few_empty(samples, max_empty),
        ],
        "parts": [_at_least("samples in each part", tables["parts"]["samples"], min_samples, setting="min_samples")],
        "classes": [
            _at_least("class frequencies", tables["classes"]["fraction"], min_class_fraction, setting="min_class_fraction")
        ],
        **{name: [_none(f"{name} across parts", tables[name], severity)] for name in ("duplicates", "near-duplicates", "groups")},
    }
    return _run(checks, tables, data_docs_dir)


def _build_tables(statistics: pd.DataFrame, labels: Labels) -> dict[str, pd.DataFrame]:
    """Derive the tables of samples, parts and classes."""
    pixel_columns = [column for column in statistics.columns if column.startswith(PIXELS)]
    pixels = statistics[pixel_columns]
    area = statistics["mask_height"] * statistics["mask_width"]
    if labels == "exclusive":
        labelled = pixels.sum(axis=1)
        unaccounted = (1.0 - statistics["void"] - labelled / area).abs()
    else:  # a pixel may have several classes, or none: then it is labelled as having none
        labelled = ((1.0 - statistics["void"]) * area).round()
        unaccounted = (pixels.max(axis=1) - labelled).clip(lower=0) / area
    is_training = statistics["split"] == "train"
    samples = statistics.assign(
        file=statistics["source_mask"].fillna(statistics["source_image"]).fillna(statistics["id"]),
        missing_values=statistics.drop(columns="group").isna().sum(axis=1),
        labelled=labelled,
        unaccounted=unaccounted,
    )
    counts = statistics["split"].value_counts()
    return {
        "samples": samples,
        "parts": pd.DataFrame({"split": PARTS, "samples": [int(counts.get(part, 0)) for part in PARTS]}),
        "classes": pd.DataFrame(
            {
                "class": [column.removeprefix(PIXELS) for column in pixel_columns],
                "fraction": (pixels[is_training].sum() / max(1, labelled[is_training].sum())).to_numpy(),
            }
        ),
    }


def _build_leakage_tables(statistics: pd.DataFrame, pairs: pd.DataFrame, groups: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Derive the tables of what is in more than one part, each row with a text that names it."""
    names = name_samples(statistics)
    files = [f"{names[first]} = {names[second]}" for first, second in zip(pairs["first_id"], pairs["second_id"], strict=True)]
    pairs = pairs.assign(files=pd.Series(files, index=pairs.index, dtype="str"))
    counts = [
        f"{row['group']}: " + ", ".join(f"{row[part]} {part}" for part in PARTS if row[part]) for row in groups.to_dict("records")
    ]
    return {
        "duplicates": pairs[pairs["kind"] == DUPLICATE],
        "near-duplicates": pairs[pairs["kind"] == NEAR_DUPLICATE],
        "groups": groups.assign(counts=pd.Series(counts, index=groups.index, dtype="str")),
    }


def _at_most(name: str, column: pd.Series, limit: float, *, setting: str = "") -> Check:
    expectation = gxe.ExpectColumnValuesToBeBetween(column=column.name, max_value=limit)
    return Check(name, setting, limit, observed=column.max(), expectation=expectation)


def _at_least(name: str, column: pd.Series, limit: float, *, setting: str) -> Check:
    expectation = gxe.ExpectColumnValuesToBeBetween(column=column.name, min_value=limit)
    return Check(name, setting, limit, observed=column.min(), expectation=expectation)


def _equal(name: str, samples: pd.DataFrame, column: str, other: str) -> Check:
    unequal = int((samples[column] != samples[other]).sum())
    expectation = gxe.ExpectColumnPairValuesToBeEqual(column_A=column, column_B=other)
    return Check(name, "", limit=0, observed=unequal, expectation=expectation)


def _few_empty(samples: pd.DataFrame, max_empty: float) -> Check:
    observed = (samples["labelled"] == 0).mean()
    expectation = gxe.ExpectColumnValuesToBeBetween(column="labelled", min_value=1, mostly=1.0 - max_empty)
    return Check("empty masks", "max_empty", max_empty, observed=observed, expectation=expectation)


def _none(name: str, table: pd.DataFrame, severity: Severity) -> Check:
    grade = {"error": "critical", "warning": "warning"}[severity]  # as Great Expectations calls it
    expectation = gxe.ExpectTableRowCountToBeBetween(min_value=0, max_value=0, severity=grade)
    return Check(name, "leakage", limit=0, observed=len(table), expectation=expectation, severity=severity)


def _run(checks: Mapping[str, list[Check]], tables: Mapping[str, pd.DataFrame], data_docs_dir: Path) -> list[Finding]:
    with warnings.catch_warnings(), outputs.new_folder(data_docs_dir.absolute()) as pages_dir:
        warnings.simplefilter("ignore")  # deprecations inside Great Expectations
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        context.delete_data_docs_site("local_site")  # the default one, in a temporary folder
        context.add_data_docs_site("maskmill", _site(pages_dir))
        source = context.data_sources.add_pandas("statistics")
        findings: list[Finding] = []
        for name, table in tables.items():
            findings += _run_table(context, source, name, table, checks[name])
        context.build_data_docs()
    return findings


def _run_table(context: Any, source: Any, name: str, table: pd.DataFrame, checks: list[Check]) -> list[Finding]:
    suite = context.suites.add(gx.ExpectationSuite(name=name))
    for check in checks:
        check.expectation.meta = {"check": check.name}  # results come back in an order of their own
        suite.add_expectation(check.expectation)
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all rows")
    validation = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    result = validation.run(
        batch_parameters={"dataframe": table},
        result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [CULPRITS[name]]},
    )
    results = {each.expectation_config.meta["check"]: each for each in result.results}
    return [_report(check, results[check.name], table[CULPRITS[name]]) for check in checks]


def _report(check: Check, result: Any, culprits: pd.Series) -> Finding:
    if "unexpected_index_list" in result.result:
        offending = [row[culprits.name] for row in result.result["unexpected_index_list"] or []]
    else:  # an expectation about the table as a whole
        offending = culprits.tolist()
    return Finding(
        name=check.name,
        setting=check.setting,
        limit=check.limit,
        observed=None if pd.isna(check.observed) else float(check.observed),
        passed=bool(result.success),
        offending=tuple(sorted(str(each) for each in offending)),
        severity=check.severity,
    )


def _site(pages_dir: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(pages_dir)},
    }
