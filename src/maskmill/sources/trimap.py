"""The trimap form (under way)."""

from maskmill.errors import SourceError
from maskmill.sources.pairing import Pair
from maskmill.sources.settings import Layout
from maskmill.sources.tree import FileTree


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Find the samples."""
    raise SourceError("source.form trimap is not ready yet")
