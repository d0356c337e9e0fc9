"""Rows written into an array file that several processes, or several machines, fill together."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray


class ArrayRows:
    """The array of an open .npy file, to whose rows can be assigned.

    Written, not mapped into memory: a network file system writes mapped pages back whole, each with the neighbouring rows as they
    were when this machine read them.
    """

    def __init__(self, file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype, offset: int) -> None:
        self.shape = shape
        self.dtype = dtype
        self._file = file
        self._offset = offset

    def __setitem__(self, row: int, values: NDArray) -> None:
        if values.shape != self.shape[1:] or values.dtype != self.dtype:
            raise ValueError(f"a row of {self._file.name} is {self.shape[1:]} {self.dtype}, not {values.shape} {values.dtype}")
        self._file.seek(self._offset + row * values.nbytes)
        self._file.write(np.ascontiguousarray(values).data)


@contextmanager
def open_rows(path: Path) -> Iterator[ArrayRows]:
    """Yield the array of a .npy file that has its final size."""
    mapped = np.load(path, mmap_mode="r")  # for what its header says; no row is read
    with path.open("r+b") as file:
        yield ArrayRows(file, mapped.shape, mapped.dtype, mapped.offset)
