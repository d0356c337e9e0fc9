import numpy as np
import pytest

from maskmill.data.array_rows import open_rows


@pytest.fixture
def path(tmp_path):
    np.lib.format.open_memmap(tmp_path / "a.npy", mode="w+", dtype=np.uint16, shape=(4, 2, 3)).flush()
    return tmp_path / "a.npy"


def test_rows_are_written_where_they_belong_and_the_others_stay(path):
    turned = np.arange(6, dtype=np.uint16).reshape(3, 2).T  # rows that do not lie in one piece
    with open_rows(path) as one, open_rows(path) as other:
        other[3] = np.full((2, 3), 9, np.uint16)
        one[1] = turned
    assert np.load(path).tolist() == [[[0] * 3] * 2, [[0, 2, 4], [1, 3, 5]], [[0] * 3] * 2, [[9] * 3] * 2]
    assert path.stat().st_size == 128 + 4 * 2 * 3 * 2


@pytest.mark.parametrize("row", [np.zeros((3, 2), np.uint16), np.zeros((2, 3), np.uint8)])
def test_rows_of_another_kind_are_refused(path, row):
    before = path.read_bytes()
    with open_rows(path) as rows, pytest.raises(ValueError, match=r"a row of .* is \(2, 3\) uint16"):
        rows[0] = row
    assert path.read_bytes() == before
