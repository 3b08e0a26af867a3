"""A model whose weights are an average, and its running statistics."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...errors import ArgumentError, DTypeError
from ...nn import changes
from ...nn.module import Module
from ...nn.normalization import BatchNorm
from ...nn.prediction import call
from .functions import AverageFunction, MultiAverageFunction, get_swa_multi_avg_fn


def _check_device(device: object, what: str) -> None:
    if device not in (None, "cpu"):
        raise ArgumentError(f"{what}: device must be None or 'cpu', got {device!r}")


class AveragedModel(Module):
    """A copy of a model whose parameters are an average of those that the model had.

    The first `update_parameters` copies them, each later one takes the average on. It runs as the model does;
    its statistics of batch norm are the model's latest, or averages too (`use_buffers`), or made anew by
    `update_bn`.

    Parameters
    ----------
    model : Module
        What is averaged; it is copied.
    device : None or "cpu"
    avg_fn : callable ``avg_fn(averaged, current, num_averaged) -> array``, optional
        The new average of one array.
    multi_avg_fn : callable ``multi_avg_fn(averaged, current, num_averaged)``, optional
        Changes a list of averages, all of one type, in place. Default: the plain average of all.
    use_buffers : bool
        Whether buffers, such as running statistics, are averaged along with the parameters.

    Attributes
    ----------
    module : Module
        The copy.
    n_averaged : int64 array ()
        How many models there are in the average.

    Raises
    ------
    ArgumentError, DTypeError
        If both functions are given, or an argument is none.

    Examples
    --------
    >>> ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))  # doctest: +SKIP
    >>> for x, y in batches:  # doctest: +SKIP
    ...     trainer.train_step(x, y)
    ...     ema.update_parameters(model)
    >>> ema.predict(x)  # doctest: +SKIP
    """

    n_averaged: np.ndarray

    def __init__(
        self,
        model: Module,
        device: str | None = None,
        avg_fn: AverageFunction | None = None,
        multi_avg_fn: MultiAverageFunction | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(model, Module):
            raise DTypeError(f"AveragedModel: model must be a Module, got {type(model).__name__}")
        _check_device(device, "AveragedModel")
        if avg_fn is not None and multi_avg_fn is not None:
            raise ArgumentError("AveragedModel: only one of avg_fn and multi_avg_fn can be given")
        for name, function in (("avg_fn", avg_fn), ("multi_avg_fn", multi_avg_fn)):
            if function is not None and not callable(function):
                raise DTypeError(f"AveragedModel: {name} must be callable, got {function!r}")
        self.module = copy.deepcopy(model)
        self.module.zero_grad()
        self.register_buffer("n_averaged", np.zeros((), np.int64))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def __getstate__(self) -> dict[str, Any]:
        # A copy knows no model.
        return {name: value for name, value in super().__getstate__().items() if name != "_pairs"}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the averaged model makes of its inputs."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's present parameters into the average.

        Parameters
        ----------
        model : Module
            With parameters and buffers of the same shapes.

        Raises
        ------
        ArgumentError
            If they are others; nothing is changed then.
        """
        pairs = self.__dict__.get("_pairs")
        if pairs is None or pairs.model is not model or pairs.at != changes.latest():
            pairs = self.__dict__["_pairs"] = _Pairs(self.module, model)
        own, new = pairs.averaged.arrays(), pairs.current.arrays()
        count = int(self.n_averaged)
        averaged, current = (both[0] + both[1] if self.use_buffers else both[0] for both in (own, new))
        if count == 0:
            _copy(averaged, current)
        elif self.avg_fn is not None:
            for old, now in zip(averaged, current, strict=True):
                old[...] = self.avg_fn(old, now, count)
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            groups: dict[np.dtype, tuple[list[np.ndarray], list[np.ndarray]]] = {}
            for old, now in zip(averaged, current, strict=True):
                pair = groups.setdefault(old.dtype, ([], []))
                pair[0].append(old)
                pair[1].append(now)
            for olds, nows in groups.values():
                update(olds, nows, count)
        if not self.use_buffers:
            _copy(own[1], new[1])
        self.n_averaged[...] = count + 1


class _Places:
    """Where a model has its parameters and buffers; not the arrays, which the engine counts holders of."""

    def __init__(self, model: Module) -> None:
        self._parameters = list(model.parameters())
        self._buffers = [(module._buffers, name) for module in model.modules() for name in module._buffers]

    def arrays(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the arrays of the parameters, to be written to, and of the buffers."""
        return [each.data for each in self._parameters], [held[name] for held, name in self._buffers]


class _Pairs:
    """The parameters and buffers of an average and of a model, up to a change of either."""

    def __init__(self, average: Module, model: Module) -> None:
        self.at = changes.latest()
        self.model = model
        self.averaged, self.current = _Places(average), _Places(model)
        for mine, other in zip(self.averaged.arrays(), self.current.arrays(), strict=True):
            if [each.shape for each in mine] != [each.shape for each in other]:
                raise ArgumentError(
                    "AveragedModel.update_parameters: model has other parameters or buffers than the copy: "
                    "was it changed since? Then make a new average"
                )


def _copy(targets: list[np.ndarray], sources: list[np.ndarray]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target[...] = source


def update_bn(loader: Iterable[Any], model: Module, device: str | None = None) -> None:
    """Make the running statistics of all batch norms anew, from one pass over data in training mode.

    They are then the plain average of the batches' statistics. Modules keep their own modes.

    Parameters
    ----------
    loader : iterable of arrays, or of tuples whose first element is one
        Batches as the model takes them.
    model : Module
    device : None or "cpu"

    Raises
    ------
    ArgumentError, DTypeError
        If an argument is none.
    """
    if not isinstance(model, Module):
        raise DTypeError(f"update_bn: model must be a Module, got {type(model).__name__}")
    _check_device(device, "update_bn")
    norms = [each for each in model.modules() if isinstance(each, BatchNorm) and each.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    modes = [(module, module.training) for module in model.modules()]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    model.train()
    try:
        for batch in loader:
            call(model, batch[0] if isinstance(batch, list | tuple) else batch, model)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode
