"""What is done to all the weights of a tree at once: drawn, converted, frozen, taken out and put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from . import changes, init
from . import state as states
from .tree import M, Tree

T = TypeVar("T", bound="Weights")


class Weights(Tree[M]):
    """What `Module` does with the parameters and buffers of itself and of everything below it."""

    # Names of the layer's own arrays that a saved state may lack; they then stay as they are.
    _optional_state: frozenset[str] = frozenset()

    def num_parameters(self) -> int:
        """Return the number of trainable values."""
        return sum(p.size for p in self.parameters() if p.requires_grad)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Say whether the parameters are trained: with False they are frozen, and optimizers leave them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with False fill those that there are with zeros."""
        for parameter in self.parameters():
            parameter.zero_grad(set_to_none)

    # Type -------------------------------------------------------------------------------------------

    def astype(self: T, dtype: object) -> T:
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

    def float(self: T) -> T:
        """Convert to float32."""
        return self.astype(np.float32)

    def double(self: T) -> T:
        """Convert to float64."""
        return self.astype(np.float64)

    # Random numbers ---------------------------------------------------------------------------------

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw this layer's own weights anew; layers with weights override it."""

    def initialize(self: T, scheme: str = "default", seed: int = 0) -> T:
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

    def reseed(self: T, seed: int) -> T:
        """Give every module that draws random numbers (Dropout) a stream of its own from one seed."""
        drawing = [module for module in self.modules() if "generator" in module.__dict__]
        streams = np.random.SeedSequence(integer(seed, "reseed: seed")).spawn(len(drawing))
        for module, stream in zip(drawing, streams, strict=True):
            module.generator = np.random.default_rng(stream)
        return self

    # Out and in -------------------------------------------------------------------------------------

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
