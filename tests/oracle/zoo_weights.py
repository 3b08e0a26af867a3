"""Weights and images that PyTorch and fastcnn make alike: too many to be stored."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from . import recipe


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Return the arrays of a state dict, such that activations stay of one size from layer to layer."""
    made = {}
    for key, shape in shapes.items():
        leaf = key.rpartition(".")[2]
        if leaf == "num_batches_tracked":
            made[key] = np.array(1, np.int64)
            continue
        if leaf in ("running_var", "layer_scale") or (leaf == "weight" and len(shape) == 1):
            spec = recipe.uniform(shape, 0.2, 0.8)
        elif len(shape) == 1:
            spec = recipe.uniform(shape, 0.2)
        else:
            spec = recipe.uniform(shape, math.sqrt(4.5 / math.prod(shape[1:])))
        made[key] = recipe.make({**spec, "seed": recipe.seed_of(key)}, np.float32)
    return made


def images() -> np.ndarray:
    """Return two images of 64x64 pixels."""
    return recipe.make({**recipe.uniform((2, 3, 64, 64), 1.7), "seed": 1}, np.float32)
