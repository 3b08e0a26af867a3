"""Questions about layers along lines that `grid_layers` has not."""

from collections.abc import Iterator

from .network import layer
from .question import Question
from .recipe import uniform

# id: (x, layers)
LAYERS = {
    "adaptive-max-pool1d": ((2, 3, 7), layer("AdaptiveMaxPool1d", output_size=3)),
    "adaptive-max-pool1d-unbatched": ((3, 7), layer("AdaptiveMaxPool1d", output_size=5)),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file; the recipes of weights are added where the network is built."""
    for name, (x, layers) in LAYERS.items():
        yield Question("layer", name, {"x": uniform(x)}, {"layers": [layers], "training": True})
