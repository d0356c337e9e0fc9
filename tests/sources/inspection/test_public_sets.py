"""An examination: published sets in miniature, configured without a hint, then listed and encoded as a run does it.

What is found is compared with what a person knows of the set, pixel by pixel: numbers and names of classes are settings, so a class
counts as right when the pixels of one class of the truth, and hardly any others, carry it.
"""

import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from public_sets import SETS
from public_sets_drawing import VOID, Expected
from ruamel.yaml import YAML

from maskmill import presets
from maskmill.errors import MaskmillError, ParamsError, SourceError

configuring = pytest.importorskip("maskmill.sources.inspection.configure")

STAGES = Path(__file__).resolve().parents[3] / "stages"
VOID_BIT = 0x8000
NO_BIT, SEVERAL_BITS = 1000, 1001
READ, KEPT = "test_a_set_is_read_as_a_person_reads_it", "test_parts_and_groups_are_kept"
KNOWN_GAPS = {  # (set, test) -> what is not found yet; a gap that closes fails the test until its line goes
    ("one_table_of_parts", KEPT): "a column of parts in a table is named, but not used",
}


@dataclass(frozen=True, repr=False)
class Found:
    """What a run made of a set: its settings, the rows of the manifest, and each picture's label mask."""

    settings: Mapping[str, Any]
    manifest: pd.DataFrame
    labels: Mapping[str, NDArray]
    pictures: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, repr=False)
class Outcome:
    """What is expected of a set, and what came: a question instead of settings, settings with which a run fails, or a run."""

    expected: Expected
    question: MaskmillError | None = None
    failure: MaskmillError | None = None
    found: Found | None = None


@pytest.fixture(scope="module", params=SETS)
def outcome(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(request.param) / "set"
    root.mkdir()
    expected = SETS[request.param](root, np.random.default_rng(zlib.crc32(request.param.encode())))
    try:
        settings = configure(root)
    except (SourceError, ParamsError) as error:
        return Outcome(expected, question=error)
    with pytest.MonkeyPatch.context() as patch:
        try:
            return Outcome(expected, found=run(settings, root, patch))
        except MaskmillError as error:
            return Outcome(expected, failure=error)


@pytest.fixture(autouse=True)
def known_gap(request):
    """Expect a test to fail, strictly, where it is known what is not found yet."""
    reason = KNOWN_GAPS.get((request.node.callspec.params["outcome"], request.function.__name__))
    if reason:
        request.applymarker(pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason))


def configure(root: Path) -> Mapping[str, Any]:
    """Return the settings that differ from the defaults, nested as in presets/*.yaml: the one place that knows the interface."""
    return configuring.configure(root).settings


def run(settings: Mapping[str, Any], root: Path, patch: pytest.MonkeyPatch) -> Found:
    """Write params.yaml as `make preset` would, and run the stages download and encode."""
    work = root.parent
    (work / "presets").mkdir()
    (work / "presets/default.yaml").write_bytes((presets.PRESETS / "default.yaml").read_bytes())
    with (work / "presets/auto.yaml").open("w", encoding="utf-8") as stream:
        YAML().dump(_plain({**settings, "compute": {"backend": "loky", "jobs": 1, "address": None}}), stream)
    patch.chdir(work)
    patch.setattr(sys, "path", [str(STAGES), *sys.path])
    presets.write_params("auto", source=str(root), folder=work / "presets")
    import download
    import encode

    download.main()
    encode.main()
    manifest = pd.read_csv("build/raw/manifest.csv", dtype=str, keep_default_na=False).set_index("id")
    samples = pd.read_csv("build/encoded/samples.csv", dtype=str, keep_default_na=False).set_index("id")
    files = {name: tuple(_below(root, part) for part in row["image"].split("|")) for name, row in manifest.iterrows()}
    masks = {name: np.asarray(Image.open(f"build/encoded/{samples.loc[name, 'mask']}")) for name in manifest.index}
    return Found(settings, manifest, {files[name][0]: masks[name] for name in files}, {parts[0]: parts for parts in files.values()})


def test_a_set_is_read_as_a_person_reads_it(outcome):
    expected, found = outcome.expected, outcome.found
    if outcome.question:
        assert expected.asks != "never", f"asked, although everybody sees what it is: {outcome.question}"
        return
    assert found, f"the settings do not run: {outcome.failure}"
    assert expected.asks != "must", f"guessed {found.settings['source']} where an error is right"
    complaints = [list_complaints(reading, found) for reading in (expected, *expected.alternatives)]
    assert [] in complaints, "\n".join(min(complaints, key=len)) + f"\nsettings: {found.settings}"


def test_parts_and_groups_are_kept(outcome):
    expected, found = outcome.expected, outcome.found
    if not found or not (expected.parts or expected.groups):
        return
    rows = {
        _find(parts, expected.truth): row
        for parts, (_, row) in zip(found.pictures.values(), found.manifest.iterrows(), strict=True)
    }
    if expected.parts:
        parts = {image: row["split"] for image, row in rows.items()}
        assert parts == {image: expected.parts.get(image) for image in rows}
    if expected.groups:
        members = pd.Series({image: row["group"] for image, row in rows.items()})
        apart = members.groupby(members.index.map(expected.groups)).nunique()
        assert (apart == 1).all(), f"pictures of one group are apart: {members.to_dict()}"
        assert members.nunique() > 2, "three parts need three groups"


def list_complaints(expected: Expected, found: Found) -> list[str]:
    """Say what differs from one reading of a set."""
    form = found.settings["source"]["form"]
    complaints = [] if form in expected.forms else [f"form {form}, expected one of {', '.join(sorted(expected.forms))}"]
    named = {_find(parts, expected.truth): first for first, parts in found.pictures.items()}
    missing = sorted(set(expected.truth) - set(named) - expected.optional)
    surplus = sorted(set(named) - set(expected.truth))
    complaints += [f"not found: {missing}"] * bool(missing) + [f"taken, but not of the set: {surplus}"] * bool(surplus)
    if missing or surplus:
        return complaints
    if any(len(parts) != expected.picture_files for parts in found.pictures.values()):
        complaints.append(f"{expected.picture_files} files make a picture")
    return complaints + _compare_masks(expected, found, named) + _compare_classes(expected, found, named)


def _compare_masks(expected: Expected, found: Found, named: Mapping[str, str]) -> list[str]:
    """Compare the mask files, where the form names them: annotations are files of our own."""
    listed = {first: mask for first, mask in zip(found.pictures, found.manifest["mask"], strict=True) if not mask.endswith(".json")}
    return [
        f"{image} has mask {listed[named_first]}, expected {expected.masks[image]}"
        for image, named_first in named.items()
        if named_first in listed and image in expected.masks and not listed[named_first].endswith(f"/{expected.masks[image]}")
    ]


def _compare_classes(expected: Expected, found: Found, named: Mapping[str, str]) -> list[str]:
    """Compare the label masks with the truth, and the table with the number and names of the classes."""
    entries = found.settings["classes"]
    names = [entry["name"] for entry in sorted((e for e in entries if not e.get("void")), key=lambda e: e["id"])]
    pairs = [(expected.truth[image], found.labels[first]) for image, first in named.items()]
    sizes = [f"{mask.shape} for {truth.shape[-2:]}" for truth, mask in pairs if mask.shape != truth.shape[-2:]]
    if sizes:
        return [f"masks of another size than their pictures: {sizes}"]
    complaints = []
    resized = found.settings.get("encode", {}).get("mask_size", "error") == "resize"
    if expected.resized and not resized:
        complaints.append("encode.mask_size is not resize")
    has_void = any(entry.get("void") for entry in entries)
    if expected.void != "either" and has_void != (expected.void == "yes"):
        complaints.append(f"void class: {has_void}, expected {expected.void}")
    if expected.is_overlapping:
        return complaints + _compare_layers(expected, pairs, names)
    truth = np.concatenate([pixels.reshape(-1) for pixels, _ in pairs])
    labels = np.concatenate([_as_numbers(mask, names).reshape(-1) for _, mask in pairs])
    most = (expected.most or len(expected.classes)) + (expected.void == "either")
    least = len(np.unique(truth[truth != VOID]))
    number = len(names) + int((labels == NO_BIT).any())  # of one bit a class, no bit is one more
    if not least <= number <= most:
        complaints.append(f"classes {names}, expected {least} to {most}")
    return complaints + _compare_pixels(expected, truth, labels, names)


def _compare_pixels(expected: Expected, truth: NDArray, labels: NDArray, names: list[str]) -> list[str]:
    complaints, taken, right = [], {}, 0
    for number in np.unique(truth[truth != VOID]):
        values, counts = np.unique(labels[truth == number], return_counts=True)
        value = int(values[counts.argmax()])
        right += counts.max()
        if value in taken:
            complaints.append(f"classes {taken[value]} and {number} of the truth are one")
        if value == VOID:
            complaints.append(f"class {number} of the truth is void")
        taken[value] = number
        name = expected.classes[number]
        if name and value < len(names) and _spell(name) != _spell(names[value]):
            complaints.append(f"class {names[value]!r}, expected {name!r}")
    agreement = right / (truth != VOID).sum()
    if agreement < expected.agreement:
        complaints.append(f"{agreement:.1%} of the pixels are right, expected {expected.agreement:.1%}")
    if expected.void == "yes" and (labels[truth == VOID] != VOID).mean() > 1 - expected.agreement:
        complaints.append("void pixels are trained on")
    return complaints


def _compare_layers(expected: Expected, pairs: list[tuple[NDArray, NDArray]], names: list[str]) -> list[str]:
    """Overlapping classes as one bit each are compared exactly; painted over each other, no pixel may be outside its layer."""
    complaints = []
    spelt = {_spell(name): number for number, name in enumerate(names)}
    absent = [name for name in expected.classes if _spell(str(name)) not in spelt]
    if absent:
        return [f"classes {names} without {absent}"]
    for number, name in enumerate(expected.classes):
        place = spelt[_spell(str(name))]
        truth = np.concatenate([layers[number].reshape(-1) for layers, _ in pairs])
        is_there = np.concatenate(
            [(mask >> place & 1 if mask.dtype == np.uint16 else mask == place).reshape(-1) for _, mask in pairs]
        )
        is_exact = pairs[0][1].dtype == np.uint16
        wrong = (truth != is_there.astype(bool)) if is_exact else (is_there.astype(bool) & ~truth)
        if wrong.sum() > (1 - expected.agreement) * max(1, truth.sum()) or not is_there.any():
            complaints.append(f"{name}: {wrong.sum()} of {truth.sum()} pixels are wrong")
    return complaints


def _as_numbers(mask: NDArray, names: list[str]) -> NDArray:
    """Return class numbers; of one bit a class, no bit becomes a number of its own and several bits one that is nobody's."""
    if mask.dtype != np.uint16:
        return mask.astype(np.int32)
    numbers = np.full(mask.shape, SEVERAL_BITS, np.int32)
    numbers[mask == 0] = NO_BIT
    for place in range(len(names)):
        numbers[mask == 1 << place] = place
    numbers[(mask & VOID_BIT) > 0] = VOID
    return numbers


def _find(parts: tuple[str, ...], truth: Mapping[str, NDArray]) -> str:
    """Return the one of a picture's files by which the truth knows it."""
    return next((part for part in parts if part in truth), parts[0])


def _below(root: Path, path: str) -> str:
    return Path(path).resolve().relative_to(root.resolve()).as_posix()


def _spell(name: str) -> str:
    return "".join(letter for letter in name.partition(",")[0].casefold() if letter.isalnum())


def _plain(value: Any) -> Any:
    """Return what YAML writes: dicts and lists of Python's own numbers and texts."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value.item() if isinstance(value, np.generic) else value
