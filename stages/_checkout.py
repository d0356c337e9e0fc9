"""Imported first by every stage: the package of this checkout comes before any installed one.

DVC runs queued experiments in a copy of the repository, and those must run the copy's code.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
