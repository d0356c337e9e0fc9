"""Outputs are whole or absent."""

from pathlib import Path

import pytest

from maskmill.outputs import new_file, new_folder


def test_a_file_takes_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.tar.gz"
    with new_file(target) as temporary:
        assert temporary.name.endswith(".tar.gz")
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    with pytest.raises(ZeroDivisionError), new_file(target) as temporary:
        temporary.write_text(str(1 / 0))
    assert [path.name for path in target.parent.iterdir()] == ["a.tar.gz"]
    assert target.read_text() == "new"


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for name in ("first", "second"):
        with new_folder(target) as temporary:
            (temporary / name).touch()
    assert [path.name for path in target.iterdir()] == ["second"]
    with pytest.raises(FileNotFoundError), new_folder(target) as temporary:
        (temporary / "third" / "fourth").touch()
    assert [path.name for path in target.iterdir()] == ["second"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
