"""A set that lies in two places which no one pattern reaches: whoever takes the one has to know of the other."""

from collections.abc import Sequence, Set
from dataclasses import replace

from maskmill.sources.inspection.proposals import PairingProposal

_WORTH_ASKING = 0.2
_FULL = 0.55  # what a proposal's number of pairs counts for in its score
_ORDER = 0.01


def raise_elsewhere(proposals: Sequence[PairingProposal]) -> list[PairingProposal]:
    """Return the proposals; those of other pictures and other masks than the best one's do not lose for being fewer.

    What pairs as clearly as the best and shares no file with it is a further part of the set, not a worse way to read it.
    """
    if not proposals:
        return []
    best = max(proposals, key=lambda proposal: (proposal.score, len(proposal.samples)))
    number, taken = len(best.samples), _list_files(best)
    return [
        _raise(proposal, len(proposal.samples) / number)
        if _WORTH_ASKING * number <= len(proposal.samples) < number and not taken & _list_files(proposal)
        else proposal
        for proposal in proposals
    ]


def _raise(proposal: PairingProposal, share: float) -> PairingProposal:
    return replace(proposal, score=max(proposal.score, min(1.0, proposal.score + _FULL * (1 - share)) - _ORDER))


def _list_files(proposal: PairingProposal) -> Set[str]:
    return {path for sample in proposal.samples for path in (sample.image, *sample.masks)}
