"""Parts of a set: from the field {split}, from prefixes of names, or from list files."""

from collections import Counter
from dataclasses import replace

from maskmill.sources.inspection.lists import read_lists
from maskmill.sources.inspection.proposals import PairingProposal, SplitSource
from maskmill.sources.tree import FileTree


def add_splits(tree: FileTree, proposal: PairingProposal) -> PairingProposal:
    """Say what the parts come from; lists divide only where folders and names do not."""
    found = read_lists(tree, proposal)
    source: SplitSource | None = "folders" if any(sample.split for sample in proposal.samples) else None
    reasons = []
    samples = proposal.samples
    if found and not source:
        samples = tuple(replace(sample, split=found.part_of.get(sample.image, "")) for sample in samples)
        source = "lists"
    if found:
        names = ", ".join(f"{name} ({part})" for part, name in found.lists.items())
        reasons.append(f"lists {names}: {found.num_found} entries are pictures with masks, {len(found.missing)} name no file")
    if source:
        counts = Counter(sample.split or "no part" for sample in samples)
        reasons.append(f"parts by {source}: " + ", ".join(f"{count} {part}" for part, count in sorted(counts.items())))
    proposal = replace(proposal, samples=samples, split_source=source)
    if found:
        proposal = replace(proposal, lists=found.lists, list_style=found.style, missing=found.missing)
    return proposal.add_reasons(*reasons)
