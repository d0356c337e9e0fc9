"""Large rasters in windows: the fewest tiles that cover them."""

from maskmill.scaling import tile_starts
from maskmill.sources.settings import Window


def cut_tiles(size: tuple[int, int], tile: tuple[int, int] | None, overlap: float) -> list[Window | None]:
    """Return the windows that cover a raster, row by row, all of one size; [None], all of it, where one tile is enough.

    Args:
        size: (height, width) of the raster.
        tile: (height, width) of a window; a raster that is lower or narrower has lower or narrower ones; None: no tiles.
        overlap: the fraction of a tile, 0 to below 1, that neighbours share at least.
    """
    if tile is None or (size[0] <= tile[0] and size[1] <= tile[1]):
        return [None]
    rows, columns = (tile_starts(length, side, overlap) for length, side in zip(size, tile, strict=True))
    height, width = min(size[0], tile[0]), min(size[1], tile[1])
    return [Window(row, column, height, width) for row in rows for column in columns]
