"""Which labels the mask files of layers have."""

from collections import Counter

from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.patterns import compile_pattern

CLASS_FIELD, DEFAULT_LABEL = "class", "object"  # as form layers has them


def read_layer_labels(proposal: PairingProposal) -> dict[str, int]:
    """Return how many mask files each value of {class} has, or of the one label where the pattern has no such field."""
    assert proposal.masks is not None
    files = [mask for sample in proposal.samples for mask in sample.masks]
    pattern = compile_pattern(proposal.masks, "source.masks")
    if CLASS_FIELD not in pattern.fields:
        return {DEFAULT_LABEL: len(files)}
    counts = Counter[str]()
    for path in files:
        parts = path.split("/")
        ends = ("/".join(parts[start:]) for start in range(len(parts)))  # the pattern may stand below a top folder
        fields = next(fields for end in ends if (fields := pattern.match(end)))
        counts[fields[CLASS_FIELD]] += 1
    return dict(counts)
