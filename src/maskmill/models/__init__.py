"""Architectures: from integer pictures of any size to logits of the same size."""

from maskmill import backend  # noqa: F401  before anything that imports keras
from maskmill.models.backbones import BACKBONES
from maskmill.models.build import BUILDERS, build_model

__all__ = ["BACKBONES", "BUILDERS", "build_model"]
