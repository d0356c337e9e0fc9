"""Published segmentation sets in miniature: their names, folders, file formats, depths, colours and what lies beside."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import public_sets_aerial
import public_sets_buildings
import public_sets_cells
import public_sets_clinics
import public_sets_drives
import public_sets_folders
import public_sets_land
import public_sets_medical
import public_sets_objects
import public_sets_organs
import public_sets_outdoors
import public_sets_people
import public_sets_satellite
import public_sets_scenes
import public_sets_streets
import public_sets_twists
import public_sets_works
from public_sets_drawing import Expected

Builder = Callable[[Path, np.random.Generator], Expected]
SETS: dict[str, Builder] = {
    **public_sets_medical.SETS,
    **public_sets_organs.SETS,
    **public_sets_aerial.SETS,
    **public_sets_satellite.SETS,
    **public_sets_streets.SETS,
    **public_sets_scenes.SETS,
    **public_sets_objects.SETS,
    **public_sets_twists.SETS,
    **public_sets_clinics.SETS,
    **public_sets_cells.SETS,
    **public_sets_buildings.SETS,
    **public_sets_land.SETS,
    **public_sets_drives.SETS,
    **public_sets_outdoors.SETS,
    **public_sets_people.SETS,
    **public_sets_works.SETS,
    **public_sets_folders.SETS,
}
