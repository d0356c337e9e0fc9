"""Parts of a set: from the field {split}, from words in names, or from list files."""

import csv
from collections import Counter
from dataclasses import replace
from itertools import islice

from maskmill.sources.inspection.lists import FoundLists, read_lists
from maskmill.sources.inspection.names import Name, name_part, read_names
from maskmill.sources.inspection.proposals import PairingProposal, SplitSource
from maskmill.sources.tree import FileTree

_LEAST_COVER = 0.5
_MOST_ROWS = 100_000


def add_splits(tree: FileTree, proposal: PairingProposal) -> PairingProposal:
    """Say what the parts come from; lists divide only where folders and names do not, and choose: a run takes what they name."""
    found = read_lists(tree, proposal)
    source: SplitSource | None = proposal.split_source
    if not source and any(sample.split for sample in proposal.samples):
        source = "folders"
    reasons = []
    samples, ignored = proposal.samples, proposal.ignored
    if found:
        names = ", ".join(f"{name} ({part})" for part, name in found.lists.items())
        reasons.append(f"lists {names}: {found.num_found} entries are pictures with masks, {len(found.missing)} name no file")
        against = _object(found, proposal)
        if against and not source:
            reasons.append(f"the lists are not used: {against}")
            found = None
    if found and not source:
        unnamed = tuple(sample.image for sample in samples if sample.image not in found.part_of)
        samples = tuple(replace(sample, split=found.part_of[sample.image]) for sample in samples if sample.image in found.part_of)
        ignored += unnamed
        source = "lists"
        if unnamed:
            reasons.append(f"{len(unnamed)} pictures are in none of the lists and left out, e.g. {unnamed[0]}")
    if source:
        counts = Counter(sample.split or "no part" for sample in samples)
        reasons.append(f"parts by {source}: " + ", ".join(f"{count} {part}" for part, count in sorted(counts.items())))
    else:
        reasons += _name_lost_parts(tree, proposal)
    proposal = replace(proposal, samples=samples, ignored=ignored, split_source=source)
    if found:
        proposal = replace(proposal, lists=found.lists, list_style=found.style, missing=found.missing)
    return proposal.add_reasons(*reasons)


def _object(found: FoundLists, proposal: PairingProposal) -> str:
    """Return why lists cannot divide a set, or ""."""
    if "train" not in found.lists:
        return "none of them is of the training part"
    if found.repeated:
        return f"they name a picture twice: {found.repeated[0]}"
    if found.num_found < _LEAST_COVER * len(proposal.samples):
        return f"they name {found.num_found} of {len(proposal.samples)} pictures"
    return ""


def _name_lost_parts(tree: FileTree, proposal: PairingProposal) -> list[str]:
    """Say what tells parts, but in a way that settings cannot express: then they are drawn."""
    reasons = []
    words: dict[str, str] = {}
    for name in read_names(sample.image for sample in proposal.samples):
        words.setdefault(name_part(name.split_word), _tell_folder(name))
    if "train" in words and len(words.keys() - {""}) > 1:
        folders = ", ".join(folder for part, folder in words.items() if part)
        reasons.append(f"the pictures' folders say parts ({folders}), the masks' do not: parts are drawn")
    stems = {name.stem.casefold() for name in read_names(sample.image for sample in proposal.samples)}
    for path in tree.files:
        column = _find_part_column(tree, path, stems) if path.lower().endswith((".csv", ".tsv")) else ""
        if column:
            reasons.append(f"{path} has the parts in column {column!r}: write a list file for each part and give source.lists")
    return reasons


def _tell_folder(name: Name) -> str:
    return "/".join(name.folders)


def _find_part_column(tree: FileTree, path: str, stems: set[str]) -> str:
    """Return the heading of a table's column of parts beside one of pictures, or ""."""
    with (tree.root / path).open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        try:
            rows = list(islice(csv.reader(stream, delimiter="\t" if path.lower().endswith(".tsv") else ","), _MOST_ROWS))
        except csv.Error:
            return ""
    if len(rows) < 3:
        return ""
    columns = list(zip(*(row for row in rows[1:] if len(row) == len(rows[0])), strict=True))
    has_pictures = any(_count_known(column, stems) > _LEAST_COVER * len(column) for column in columns)
    for heading, column in zip(rows[0], columns, strict=False):
        parts = {name_part(text.strip()) for text in column}
        if has_pictures and "" not in parts and len(parts) > 1:
            return heading
    return ""


def _count_known(texts: tuple[str, ...], stems: set[str]) -> int:
    ends = (text.strip().replace("\\", "/").rpartition("/")[2].casefold() for text in texts)
    return sum(end in stems or end.rpartition(".")[0] in stems for end in ends)
