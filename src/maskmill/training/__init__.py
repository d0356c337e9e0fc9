"""From arrays to a trained model."""

from maskmill import backend  # noqa: F401  before anything that imports keras
