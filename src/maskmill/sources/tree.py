"""The files of a source, seen once and only read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maskmill.errors import SourceError, summarise_problems

JUNK_FOLDERS = {"__MACOSX"}


@dataclass(frozen=True)
class FileTree:
    """The visible files below a folder.

    Args:
        root: the folder.
        name: what messages call it: the archive that a person knows, not the folder it was unpacked to.
        files: POSIX paths relative to it, sorted.
    """

    root: Path
    name: str
    files: tuple[str, ...]

    def levels(self) -> Iterator["FileTree"]:
        """Yield this tree, then, as long as it has a single top folder, the tree below that: people pack the folder itself."""
        tree = self
        while True:
            yield tree
            folders = {path.partition("/")[0] for path in tree.files if "/" in path}
            if len(folders) != 1:
                return
            folder = folders.pop()
            below = (path.removeprefix(f"{folder}/") for path in tree.files if path.startswith(f"{folder}/"))
            tree = FileTree(tree.root / folder, f"{tree.name}/{folder}", tuple(below))

    def choose_examples(self, most: int = 5) -> list[str]:
        """Return a few files, each from another folder."""
        by_folder: dict[str, str] = {}
        for path in self.files:
            by_folder.setdefault(path.rpartition("/")[0], path)
        return list(by_folder.values())[:most]


def read_tree(root: Path, name: str | None = None) -> FileTree:
    """List the files below `root`, which messages call `name`; hidden ones and __MACOSX are left out, links are followed.

    Raises:
        SourceError: no such folder, no file in it, or names that are not UTF-8.
    """
    name = name or str(root)
    if not root.is_dir():
        raise SourceError(f"{name} is not a folder", fix="set source.path to the folder or archive that holds the pictures")
    files = sorted(_walk(root))
    if not files:
        raise SourceError(f"{name} holds no files", expected="pictures and masks", fix="set source.path to where they are")
    unreadable = [repr(path) for path in files if not _is_utf8(path)]
    if unreadable:
        raise SourceError(
            f"{name} holds {len(unreadable)} file names that are not UTF-8:\n{summarise_problems(unreadable)}",
            fix="rename them (convmv does it for a whole folder)",
        )
    return FileTree(root, name, tuple(files))


def _walk(root: Path) -> Iterator[str]:
    visited = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        identity = Path(folder).stat()
        if (identity.st_dev, identity.st_ino) in visited:  # links may go round
            folders.clear()
            continue
        visited.add((identity.st_dev, identity.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in JUNK_FOLDERS)
        below = Path(folder).relative_to(root)
        yield from ((below / name).as_posix() for name in names if not name.startswith("."))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
