"""The geotiff form (under way)."""

from typing import Any

from maskmill.errors import SourceError
from maskmill.sources.pairing import Pair
from maskmill.sources.settings import Layout, Reading, SampleFiles
from maskmill.sources.tree import FileTree


def find_samples(tree: FileTree, layout: Layout) -> list[Pair]:
    """Find the samples."""
    raise SourceError("source.form geotiff is not ready yet")


def read_mask(files: SampleFiles, size: tuple[int, int], reading: Reading) -> Any:
    """Read a mask."""
    raise SourceError("source.form geotiff is not ready yet")
