"""Write ``compact_fastcnn.safetensors``, for `make_oracle` to load in PyTorch. Run by hand before it,

    python -m tests.oracle.write_weights

where fastcnn is installed.
"""

from pathlib import Path

import numpy as np

import fastcnn
from fastcnn import nn

from . import network, recipe

PATH = Path(__file__).parent / "compact_fastcnn.safetensors"


def seeded_model() -> nn.Module:
    """Return the compact network drawn with seed 0, its running statistics moved by two batches."""
    model = network.build(nn, network.COMPACT).initialize("default", seed=0).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    for _ in range(2):
        model(recipe.make(network.COMPACT_IMAGES, np.float32))
    return model.eval()


if __name__ == "__main__":
    fastcnn.save_weights(seeded_model(), PATH)
    print(f"{PATH.name}: {PATH.stat().st_size:,} bytes")
