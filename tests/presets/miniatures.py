"""Every preset's data set in miniature: its published folders, names, lists and tables, and small pictures; and its settings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from layouts_described import write_airbus_ships, write_mapping_challenge, write_severstal
from layouts_indexed import (
    write_camvid,
    write_celeba_mask,
    write_cityscapes,
    write_data_science_bowl,
    write_own,
    write_oxford_pets,
)
from layouts_painted import write_cityscapes_pairs, write_dubai_aerial, write_facades, write_stones, write_synthetic
from layouts_rasters import write_dstl, write_landcover_ai, write_massachusetts_buildings
from ruamel.yaml import YAML

LAYOUTS: dict[str, Callable[[Path], None]] = {
    "airbus_ships": write_airbus_ships,
    "camvid": write_camvid,
    "camvid_best": write_camvid,
    "celeba_mask": write_celeba_mask,
    "cityscapes": write_cityscapes,
    "cityscapes_pairs": write_cityscapes_pairs,
    "cityscapes_pairs_best": write_cityscapes_pairs,
    "data_science_bowl": write_data_science_bowl,
    "default": write_synthetic,
    "dstl": write_dstl,
    "dubai_aerial": write_dubai_aerial,
    "facades": write_facades,
    "landcover_ai": write_landcover_ai,
    "mapping_challenge": write_mapping_challenge,
    "massachusetts_buildings": write_massachusetts_buildings,
    "own": write_own,
    "oxford_pets": write_oxford_pets,
    "oxford_pets_dynamic": write_oxford_pets,
    "oxford_pets_segnet": write_oxford_pets,
    "oxford_pets_xception": write_oxford_pets,
    "severstal": write_severstal,
    "stones": write_stones,
}

TILE = [64, 96]  # height, width


def shrink(params: Path) -> dict[str, Any]:
    """Make smaller what has to be smaller for a test in a params.yaml, and return the settings then in force."""
    yaml = YAML()
    settings = yaml.load(params)
    smaller = {"epochs": 1, "batch_size": 2, "weights": "none", "precision": "float32"}  # bfloat16 takes twice as long to start
    settings["train"].update(smaller)
    settings["tune"].update(trials=min(settings["tune"]["trials"], 1), epochs=1)
    settings["tune"]["space"].update({key: [value] for key, value in smaller.items() if key in settings["tune"]["space"]})
    height, width = settings["scale"]["image_size"]
    settings["scale"]["image_size"] = [64, 64] if height == width else TILE  # quarter turns need squares
    settings["compute"]["jobs"] = 1  # a second process takes longer to start than the work takes
    if settings["source"]["tile"]:
        settings["source"]["tile"] = TILE
    recipe = settings["augment"]["recipes"][settings["augment"]["recipe"]]
    if recipe.get("total"):
        recipe["total"] = 30
    yaml.dump(settings, params)
    return settings
