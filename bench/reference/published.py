"""What the five reference systems published, and the recipes that are held against it.

Each system is a program that someone published for itself; its name is that of the network and of the recipe
that repeats it. Seconds are of an epoch of all its training images, on the machine that it was run on.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """What a system published of itself; None for what it did not.

    Attributes
    ----------
    test, validation, train : float or None
        Accuracies.
    epochs : int or None
    seconds : float or None
        Of an epoch.
    images : int
        In an epoch.
    note : str
        What has to be known beside.
    """

    test: float | None = None
    validation: float | None = None
    train: float | None = None
    epochs: int | None = None
    seconds: float | None = None
    images: int = 60_000
    note: str = ""


@dataclass(frozen=True)
class System:
    """A system and its recipes: the one that repeats it (None if it is ours alone) and our best."""

    name: str
    published: Published | None
    repeated: str | None
    best: str | None


SYSTEMS = (
    System(
        "residual-mnist",
        Published(test=0.9951, epochs=12, seconds=40.0, note="on a GPU; best epoch 99.55%, by the test set"),
        "residual-mnist",
        "residual-mnist-best",
    ),
    System("plain-mnist-bn-relu", Published(test=0.9876, epochs=3), "plain-mnist-bn-relu", None),
    System("plain-mnist-relu-bn", Published(test=0.9920, epochs=10), "plain-mnist-relu-bn", None),
    System(
        "position-bias-mnist",
        Published(epochs=9, seconds=3782 * 60 / 9, note="3,782 minutes; no accuracy published"),
        "position-bias-mnist",
        "position-bias-mnist-best",
    ),
    System(
        "compact-mnist",
        Published(test=0.9955, epochs=19, seconds=42.0, note="best epoch 99.56%, by the test set"),
        "compact-mnist",
        "compact-mnist-best",
    ),
    System(
        "spec-lenet",
        Published(0.23, 0.858, epochs=10, images=5_000, note="kept its worst epoch for the test"),
        "spec-lenet",
        "spec-lenet-best",
    ),
    System(
        "spec-lenet-cifar",
        Published(0.114, 0.252, epochs=10, images=5_000, note="kept its worst epoch for the test"),
        "spec-lenet-cifar",
        "spec-lenet-cifar-best",
    ),
    System(
        "list-cifar-overfit",
        Published(train=0.90, images=50, note="0.88 to 0.92 of 50 training images"),
        "list-cifar-overfit",
        None,
    ),
    System("list-cifar", Published(images=49_000, note="nothing published"), "list-cifar", "list-cifar-best"),
    System("residual-cifar", None, None, "residual-cifar"),
    System("resnet-cifar", None, None, "resnet-cifar"),
    System("resnet20-cifar", None, None, "resnet20-cifar"),
    System("squeezenet-cifar", None, None, "squeezenet-cifar"),
    System("mobilenet-v2-cifar", None, None, "mobilenet-v2-cifar"),
    System("densenet-bc-cifar", None, None, "densenet-bc-cifar"),
    System("vgg11-bn-cifar", None, None, "vgg11-bn-cifar"),
)


def choose(names: list[str] | None) -> list[System]:
    """Return the systems of these names, or all.

    Raises
    ------
    ValueError
        If there is no such system.
    """
    known = {system.name: system for system in SYSTEMS}
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise ValueError(f"no system is called {', '.join(unknown)}; there is {', '.join(known)}")
    return [known[name] for name in names] if names else list(SYSTEMS)
