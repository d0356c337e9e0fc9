"""How the pictures and masks of a folder pair, inferred from their names and their content."""

from maskmill.sources.inspection.proposals import PairingProposal
from maskmill.sources.tree import FileTree


def propose_pairings(tree: FileTree) -> list[PairingProposal]:
    """Return the ways to read a folder as pictures and masks, best first; none where nothing looks like it."""
    raise NotImplementedError
