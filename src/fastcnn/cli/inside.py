"""What is inside, as a table in Markdown: the names that the package itself lists."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from .. import data, nn, optim, training, zoo
from ..data import transforms
from ..optim import lr_scheduler, swa_utils
from ..zoo.registry import CLASSES, IMAGES, PIXELS

# Files of fastcnn.nn whose classes do something to each value, or to each with its neighbours along an axis.
_ACTIVATIONS = ("activation", "prelu", "smooth", "softmax")
_CONTAINERS = ("containers", "lists")
_BASES = {"Callback", "LRScheduler", "Module", "Moving", "Optimizer", "Transform"}
_NETWORKS = {CLASSES: "networks", PIXELS: "networks for pixels", IMAGES: "networks for images"}


def rows() -> dict[str, list[str]]:
    """Return the public names of each kind."""
    layers: dict[str, list[str]] = {"layers": [], "activations": [], "containers": [], "losses": []}
    for kind in _classes(nn, nn.__all__, nn.Module):
        place = kind.__module__.rpartition(".")[2]
        group = "activations" if place in _ACTIVATIONS else "containers" if place in _CONTAINERS else "layers"
        layers["losses" if kind.__name__.endswith("Loss") else group].append(kind.__name__)
    networks: dict[str, list[str]] = {what: [] for what in _NETWORKS.values()}
    networks["networks of torchvision"] = []
    for name in zoo.names():
        network = zoo.find(name)
        what = "networks of torchvision" if network.torchvision else _NETWORKS[network.output]
        networks[what].append(name)
    kinds = {
        "optimizers": _classes(optim, optim.__all__, optim.Optimizer),
        "schedules": _classes(lr_scheduler, lr_scheduler.__all__, object),
        "averages of weights": _classes(swa_utils, swa_utils.__all__, object),
        "transforms": _classes(transforms, vars(transforms), transforms.Transform),
        "callbacks": _classes(training, training.__all__, training.Callback),
    }
    return {
        **layers,
        "functions": list(nn.functional.__all__),
        **{what: [kind.__name__ for kind in found] for what, found in kinds.items()},
        "data sets": list(data.names()),
        **networks,
    }


def _classes(module: ModuleType, names: Iterable[str], base: type) -> list[type]:
    """Return the classes of these names that are kinds of a base, without those that others are kinds of."""
    found = (getattr(module, name) for name in sorted(names, key=str.lower))
    return [
        each
        for each in found
        if isinstance(each, type) and issubclass(each, base) and each.__name__ not in _BASES
    ]


def table() -> str:
    """Return the table."""
    return "\n".join(
        ["| | |", "|---|---|", *(f"| {what} | {', '.join(names)} |" for what, names in rows().items())]
    )
