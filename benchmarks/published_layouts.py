"""Lays small archives out as published sets are, so that the sets' presets read them; no benchmark by itself.

    python benchmarks/published_layouts.py pets26.tar FOLDER            26 pictures of Oxford-IIIT Pet, as the whole set is laid out
    python benchmarks/published_layouts.py river_gravel.tar FOLDER      gravel of ImageGrains, as the photos of stones are

An archive is told by what it holds: images/*.jpg with masks/NAME.png of ids (0 background, 1 cat, 2 dog, 255 border), or with
masks/NAME_mask.tif of instance ids (0 between the stones). Pictures are copied as they are. Then, for instance:

    make preset P=cpu/oxford_pets SOURCE=FOLDER && make repro
"""

import argparse
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskmill.errors import DataError, SourceError, summarise_problems
from maskmill.outputs import new_folder
from maskmill.pictures import read_ids
from maskmill.sources.unpack import unpack
from maskmill.terminal import run_stage, say

MOST_PIXELS = 100_000_000
CAT, DOG = 1, 2  # the set's numbers of species, and the ids in the archive's masks
PET, BACKGROUND, BORDER = 1, 2, 3  # in trimaps
TRIMAP_OF = {0: BACKGROUND, CAT: PET, DOG: PET, 255: BORDER}
PET_MASKS, GRAIN_MASKS = "{name}.png", "{name}_mask.tif"
JPEG_QUALITY = 90
Pair = tuple[Path, Path]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, nargs="?")
    parser.add_argument("folder", type=Path, nargs="?", help="to make")
    arguments = parser.parse_args()
    if arguments.archive is None or arguments.folder is None:
        say("published_layouts: left out, it needs the path of pets26.tar or river_gravel.tar, and a folder to make")
        return
    say(lay_out(arguments.archive, arguments.folder))


def lay_out(archive: Path, folder: Path) -> str:
    """Lay an archive out in a new folder, as the published set that it stands for.

    Args:
        archive: of pets or of grains.
        folder: to make, with all it needs or not at all.

    Returns:
        What was made, in a sentence.

    Raises:
        SourceError: the folder is there already, or the archive is absent, damaged, or another one.
        DataError: a mask has other values than such archives have.
    """
    if folder.exists():
        raise SourceError(f"{folder} is there already", expected="the name of a folder to make", fix="name another, or remove it")
    if not archive.is_file():
        raise SourceError(f"{archive} is no file", expected="pets26.tar or river_gravel.tar", fix="give the path of one")
    with tempfile.TemporaryDirectory() as temporary:
        root = unpack(archive, Path(temporary) / "files")
        if pairs := pair_files(root, PET_MASKS):
            lay_out_as, form = write_pets, "Oxford-IIIT Pet"
        elif pairs := pair_files(root, GRAIN_MASKS):
            lay_out_as, form = write_stones, "photos of stones"
        else:
            found = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
            raise SourceError(
                f"{archive} holds neither pets nor grains:\n{summarise_problems(found, most=5)}",
                expected="images/NAME.jpg with a mask of each, masks/NAME.png or masks/NAME_mask.tif",
                fix="give pets26.tar or river_gravel.tar",
            )
        with new_folder(folder) as made:
            lay_out_as(pairs, made)
    return f"{folder}: {len(pairs)} pictures, laid out as {form}"


def pair_files(root: Path, mask_name: str) -> dict[str, Pair]:
    """Return each picture and its mask by name, in the names' order; none unless every picture has one."""
    pairs = {image.stem: image for image in sorted(root.rglob("images/*.jpg"))}
    masks = {name: image.parents[1] / "masks" / mask_name.format(name=name) for name, image in pairs.items()}
    if not all(mask.is_file() for mask in masks.values()):
        return {}
    return {name: (image, masks[name]) for name, image in pairs.items()}


def write_pets(pairs: Mapping[str, Pair], folder: Path) -> None:
    """Write images, trimaps and lists of pets.

    Of each species every second picture, in the order of names, is in trainval.txt, the others in test.txt; the official lists
    halve the set, too. Classes and breeds are numbered in the order of names among those that are here.
    """
    for name in ("images", "annotations/trimaps"):
        (folder / name).mkdir(parents=True)
    species = {}
    for name, (image, mask) in pairs.items():
        ids = read_ids(mask, max_pixels=MOST_PIXELS)
        species[name] = find_species(name, ids, mask)
        Image.fromarray(make_trimap(ids)).save(folder / f"annotations/trimaps/{name}.png")
        shutil.copyfile(image, folder / f"images/{name}.jpg")
    lines = write_lines(species)
    places = {name: place for each in (CAT, DOG) for place, name in enumerate(name for name in species if species[name] == each)}
    for list_name, remainder in (("trainval", 0), ("test", 1)):
        chosen = [lines[name] for name in species if places[name] % 2 == remainder]
        (folder / f"annotations/{list_name}.txt").write_text("\n".join(chosen) + "\n", encoding="utf-8")


def find_species(name: str, ids: NDArray[np.integer], mask: Path) -> int:
    """Return the species that a mask tells, which has to be that of its name: the set writes cats with a capital."""
    found = set(np.unique(ids).tolist())
    named = CAT if name[0].isupper() else DOG
    if not found <= {0, named, 255} or named not in found:
        raise DataError(
            f"{mask.name} has the values {sorted(found)}, and its name is that of a {'cat' if named == CAT else 'dog'}",
            expected=f"0, {named} and 255 (names of cats have a capital, 1 is cat and 2 is dog)",
            fix="give pets26.tar as it is",
        )
    return named


def make_trimap(ids: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Turn ids into 1 pet, 2 background, 3 border, uint8 (H, W)."""
    trimap = np.zeros(ids.shape, np.uint8)
    for value, label in TRIMAP_OF.items():
        trimap[ids == value] = label
    return trimap


def write_lines(species: Mapping[str, int]) -> dict[str, str]:
    """Return the line of each picture in the set's lists, "Abyssinian_100 1 1 1": name, class, species, breed within it."""
    breeds = {name: name.rpartition("_")[0] for name in species}
    classes = sorted(set(breeds.values()), key=str.casefold)
    of_species = {each: [breed for breed in classes if breed[0].isupper() == (each == CAT)] for each in (CAT, DOG)}
    return {
        name: f"{name} {classes.index(breed) + 1} {species[name]} {of_species[species[name]].index(breed) + 1}"
        for name, breed in breeds.items()
    }


def write_stones(pairs: Mapping[str, Pair], folder: Path) -> None:
    """Write Image01.jpg and Image01_label.jpg, white where a stone is, for each picture in the order of names."""
    for number, (image, mask) in enumerate(pairs.values(), start=1):
        shutil.copyfile(image, folder / f"Image{number:02d}.jpg")
        stones = read_ids(mask, max_pixels=MOST_PIXELS) > 0
        Image.fromarray(stones.astype(np.uint8) * 255).save(folder / f"Image{number:02d}_label.jpg", quality=JPEG_QUALITY)


if __name__ == "__main__":
    run_stage(main)
