"""The base of every layer: parameters, buffers, children, and the two passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from .._shapes import allocate, integer
from ..errors import ArgumentError, DTypeError, ShapeError, StateError
from . import changes, init
from . import state as states
from .tree import Tree

# Where the engine keeps a model's plans, so that they end with it: the one name in a module's __dict__ that
# no copy and no pickle takes along.
PLANS = "_plans"

# Called with (module, input, output) after each forward pass while it is set; see `observed`.
_observer: Callable[[Module, Any, Any], None] | None = None


@cache
def _engine_predict() -> Callable:
    # The one import that points up: the engine stands on the layers, and `predict` is its front door.
    from ..engine.predict import predict

    return predict


class Module(Tree):
    """Base of layers and networks.

    A layer defines ``forward(x) -> y`` and ``backward(dy) -> dx``; backward adds the gradients of its
    parameters with ``parameter.accumulate(...)``. Assigning a Parameter or a Module to an attribute
    registers it. What backward needs is kept by forward in ``self.saved``.

    Examples
    --------
    >>> class Scale(Module):
    ...     def __init__(self, channels):
    ...         super().__init__()
    ...         self.weight = Parameter(np.ones((channels, 1, 1), np.float32))
    ...
    ...     def forward(self, x):
    ...         self.saved = x
    ...         return x * self.weight.data
    ...
    ...     def backward(self, dy):
    ...         self.weight.accumulate((dy * self.saved).sum(axis=(0, 2, 3))[:, None, None])
    ...         return dy * self.weight.data
    """

    # Names of the layer's own arrays that a saved state may lack; they then stay as they are.
    _optional_state: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.__dict__.update(_saved=None, training=True)

    def __getstate__(self) -> dict[str, Any]:
        # A copy makes its own plans.
        return {name: value for name, value in self.__dict__.items() if name != PLANS}

    # The two passes ---------------------------------------------------------------------------------

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Run forward."""
        y = self.forward(x)
        if _observer is not None:
            _observer(self, x, y)
        return y

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the output for the input x and keep what backward needs."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Return the gradient for the input of the last forward pass; add those of the parameters."""
        raise NotImplementedError(f"{type(self).__name__} does not define backward")

    @property
    def saved(self) -> Any:
        """What the last forward pass kept for backward.

        Raises
        ------
        StateError
            If there was no forward pass.
        """
        if self._saved is None:
            raise StateError(f"{type(self).__name__}: backward was called before forward")
        return self._saved

    @saved.setter
    def saved(self, value: Any) -> None:
        self.__dict__["_saved"] = value

    def predict(self, x: np.ndarray, batch_size: int = 256, *, engine: bool = True) -> np.ndarray:
        """Return the outputs for x (N, ...) in evaluation mode; the module's own modes stay as they are.

        Parameters
        ----------
        x : array (N, ...)
            Inputs.
        batch_size : int
            How many are computed at a time.
        engine : bool
            Whether to run the compiled program: fast, and a row's outputs are the same to the bit whatever
            batch it is in. Threads that predict with one model then take turns. With False, or where the
            engine does not take the module or the input, layer after layer runs.

        Returns
        -------
        array (N, ...)
        """
        size = integer(batch_size, "predict: batch_size", 1)
        if not isinstance(x, np.ndarray) or x.ndim < 1:
            raise DTypeError(f"predict: x must be an array with a batch axis, got {type(x).__name__}")
        if engine:
            return _engine_predict()(self, x, size)
        with _Passive(self):
            if len(x) <= size:
                return self(x)
            first = self(x[:size])
            y = allocate((len(x), *first.shape[1:]), first.dtype, "predict: the output")
            y[:size] = first
            for start in range(size, len(x), size):
                y[start : start + size] = self(x[start : start + size])
            return y

    # All of the tree ----------------------------------------------------------------------------------

    def num_parameters(self) -> int:
        """Return the number of trainable values."""
        return sum(p.size for p in self.parameters() if p.requires_grad)

    def train(self, mode: bool = True) -> Module:
        """Switch to training mode (batch statistics, dropout), or with False to evaluation."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Switch to evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Say whether the parameters are trained: with False they are frozen, and optimizers leave them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def apply(self, fn: Callable[[Module], object]) -> Module:
        """Call ``fn(module)`` for every module below this one, children first, and for this one."""
        for module in dict.fromkeys(self.children()):
            module.apply(fn)
        fn(self)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with False fill those that there are with zeros."""
        for parameter in self.parameters():
            parameter.zero_grad(set_to_none)

    def astype(self, dtype: object) -> Module:
        """Convert parameters and floating-point buffers to float32 or float64; gradients are forgotten."""
        kind = np.dtype(dtype)  # type: ignore[call-overload]
        if kind not in (np.float32, np.float64):
            raise DTypeError(f"astype: dtype must be float32 or float64, got {kind}")
        for module in self.modules():
            for parameter in module._parameters.values():
                parameter.data = parameter.data.astype(kind)
                parameter.grad = None
            for name, value in module._buffers.items():
                if value.dtype.kind == "f":
                    module._buffers[name] = value.astype(kind)
        changes.note()
        return self

    def float(self) -> Module:
        """Convert to float32."""
        return self.astype(np.float32)

    def double(self) -> Module:
        """Convert to float64."""
        return self.astype(np.float64)

    # Weights ----------------------------------------------------------------------------------------

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw this layer's own weights anew; layers with weights override it."""

    def initialize(self, scheme: str = "default", seed: int = 0) -> Module:
        """Draw every weight of the tree anew from one seed.

        Parameters
        ----------
        scheme : str
            "default" is what the layers do by themselves (PyTorch's). The others draw the weights of
            convolutions and linear layers and set their biases to 0: "kaiming_normal" (He's, for ReLU),
            "kaiming_uniform", "xavier_normal", "xavier_uniform"; "scaled_normal", of standard deviation
            1 / (kernel_h kernel_w) in a convolution and 1 / in_features in a linear layer; and
            "small_normal", of standard deviation 0.001.
        seed : int
            Seed of the random stream.
        """
        if scheme not in init.SCHEMES:
            raise ArgumentError(
                f"initialize: scheme must be one of {', '.join(init.SCHEMES)}, got {scheme!r}"
            )
        draw = init.SCHEMES[scheme]
        generator = np.random.default_rng(integer(seed, "initialize: seed"))
        for module in self.modules():
            module.reset_parameters(generator)
            weight = module._parameters.get("weight")
            if draw is not None and weight is not None and weight.data.ndim >= 2:
                draw(weight, generator)
                if "bias" in module._parameters:
                    init.zeros_(module._parameters["bias"])
        return self

    def reseed(self, seed: int) -> Module:
        """Give every module that draws random numbers (Dropout) a stream of its own from one seed."""
        drawing = [module for module in self.modules() if "generator" in module.__dict__]
        streams = np.random.SeedSequence(integer(seed, "reseed: seed")).spawn(len(drawing))
        for module, stream in zip(drawing, streams, strict=True):
            module.generator = np.random.default_rng(stream)
        return self

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all parameters and buffers under PyTorch's names.

        A module or Parameter that is in several places is there under each of its names.
        """
        return states.state_dict(self)

    def load_state_dict(
        self, state: Mapping[str, np.ndarray], strict: bool = True
    ) -> states._IncompatibleKeys:
        """Copy arrays into the parameters and buffers of the same names.

        Parameters
        ----------
        state : mapping of name to array
            As state_dict returns it. Of what is shared, one of its names is enough.
        strict : bool
            Whether missing and unexpected names are an error. Shapes must always fit.

        Returns
        -------
        named tuple
            ``missing_keys`` and ``unexpected_keys``, lists of names: those that the state lacks, and those
            that the module lacks. Both are empty if strict is True.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            If names, types or shapes do not fit; nothing is changed then.
        """
        return states.load_state_dict(self, state, strict)

    # Description ------------------------------------------------------------------------------------

    def output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the output for an input of this shape (N, ...).

        One zero sample is run through the module in evaluation mode; nothing changes by it.
        """
        if not isinstance(input_shape, tuple | list) or not input_shape:
            raise ShapeError(f"output_shape: input_shape must be (N, ...), got {input_shape!r}")
        sizes = [integer(size, "output_shape: input_shape") for size in input_shape]
        dtype = next((p.dtype for p in self.parameters()), np.dtype(np.float32))
        sample = allocate((1, *sizes[1:]), dtype, "output_shape: the sample")
        sample[...] = 0
        with _Passive(self):
            return (sizes[0], *self(sample).shape[1:])

    def summary(
        self,
        input_shape: tuple[int, ...],
        *,
        optimizer: Any = None,
        loss: Any = None,
        format: str = "text",
        columns: Sequence[str] | None = None,
    ) -> str:
        """Return a table of the layers for an input (C, H, W): shapes, costs, receptive fields, memory.

        Parameters
        ----------
        input_shape : (C, H, W)
        optimizer, loss : optional
            Shown below the table with their settings.
        format : "text", "markdown" or "json"
        columns : sequence of str, optional
            See `fastcnn.nn.summary.Summary.show`.
        """
        from .summary import summarize

        return summarize(self, input_shape, optimizer=optimizer, loss=loss).show(format, columns)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return ""

    def __repr__(self) -> str:
        name = type(self).__name__
        if not self._modules:
            return f"{name}({self.extra_repr()})"
        lines = [f"  ({key}): " + repr(child).replace("\n", "\n  ") for key, child in self._modules.items()]
        return "\n".join([f"{name}(", *lines, ")"])


class _Passive:
    """Run a module in evaluation mode without leaving a trace: modes and saved arrays are put back."""

    def __init__(self, module: Module) -> None:
        self.before = [(m, m.training, m._saved) for m in module.modules()]

    def __enter__(self) -> None:
        for module, _, _ in self.before:
            module.training = False

    def __exit__(self, *_: object) -> None:
        for module, training, saved in self.before:
            module.training = training
            module.saved = saved


def observe(module: Module, x: np.ndarray, observer: Callable[[Module, Any, Any], None]) -> np.ndarray:
    """Run `module` on x in evaluation mode; call `observer(module, input, output)` for each module in it."""
    global _observer
    previous, _observer = _observer, observer
    try:
        with _Passive(module):
            return module(x)
    finally:
        _observer = previous
