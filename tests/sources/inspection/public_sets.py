"""Published segmentation sets in miniature: their names, folders, file formats, depths, colours and what lies beside."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import public_sets_aerial
import public_sets_medical
import public_sets_objects
import public_sets_organs
import public_sets_satellite
import public_sets_scenes
import public_sets_streets
import public_sets_twists
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
}
