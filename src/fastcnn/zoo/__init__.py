"""Networks that are ready to be trained.

``build("compact-mnist", seed=0)`` makes one of them, `names` lists them; ``zoo.spec`` makes networks
from text. How each is trained stands in the recipe of the same name, see `fastcnn.recipes`.
"""

from . import spec
from .registry import build, check_logits, find, names

__all__ = ["build", "check_logits", "find", "names", "spec"]
