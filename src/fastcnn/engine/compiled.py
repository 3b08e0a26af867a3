"""The callable of `fastcnn.compile`, which Trainer runs too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import _precision, _samples, nn
from .._kernels.program import add_results
from .._samples import Outputs, Samples
from .._shapes import integer
from ..errors import ArgumentError, DTypeError, StateError
from ..nn.parameter_pass import backward_parameters
from ..nn.passes import output_gradients, with_input
from ..ops._reduction import reduced
from .cache import Plans, Unsupported, report
from .nodes.loss import as_loss
from .plans import ForwardPlan, StepPlan, TwoPassPlan
from .predict import predict
from .wanted import checked_algorithm


class CompiledModule:
    """A model that runs as a compiled program, on the model's own weights.

    ``y = compiled(x)``, ``compiled.backward(dy)``, ``compiled.parameters()``, ``compiled.predict(x)``. The
    model may change in every way between calls: mode, weights, layers and their attributes, batch size and
    input shape; plans are made when they are needed, and the last few are kept. Where the engine does not
    take the model or the input, the model runs eagerly, with one warning in the log if it is the model.

    Threads may predict at the same time; a forward pass in training and what follows on it belong together.

    Parameters
    ----------
    model : Module
        The model.
    input_gradient : bool
        Whether backward returns the gradient of the input; without it, it returns None.
    precision : {"highest", "high", "medium"}, optional
        Of float32 products; see `fastcnn.set_float32_matmul_precision`, whose choice None takes.
    conv_algorithm : {"direct", "gemm", "winograd", "winograd_pairs"}, optional
        How to convolve, wherever it fits; see `fastcnn.set_conv_algorithm`, whose choice None takes.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        input_gradient: bool = False,
        precision: str | None = None,
        conv_algorithm: str | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise DTypeError(f"compile: model must be a Module, got {type(model).__name__}")
        self._model = model
        self.input_gradient = input_gradient
        self.precision = _precision.checked(precision, "compile: precision")
        self.conv_algorithm = checked_algorithm(conv_algorithm, "compile: conv_algorithm")
        self._plans = Plans(input_gradient, self.precision, self.conv_algorithm)
        # What the last call ran: a plan, or the model itself.
        self._last: ForwardPlan | nn.Module | None = None

    @property
    def model(self) -> nn.Module:
        """The model; plans belong to it, so that another one is compiled anew: ``fastcnn.compile(other)``."""
        return self._model

    def __call__(self, *inputs: Any, **options: Any) -> Outputs:
        """Return what the model returns for x (N, ...), or for several inputs, in its mode.

        Arguments that are given by name go to the model as they are: it runs eagerly.
        """
        self._last = None
        if not inputs and "input" in options:
            inputs, options = with_input(self.model, options)
        if not inputs and options.keys() == {"x"}:  # the name of the one input, whatever forward calls it
            inputs, options = (options["x"],), {}
        x = inputs[0] if len(inputs) == 1 else inputs
        plan = Unsupported("arguments by name") if options else self._plans.find(self.model, x)
        if isinstance(plan, Unsupported):
            with _precision.within(self.precision):
                y = self.model(*inputs, **options)
            report(self.model, plan)
            self._last = self.model
            return y
        assert isinstance(plan, ForwardPlan)
        y = plan.forward(x)
        self._last = plan
        return y

    def backward(self, dy: Any) -> Outputs:
        """Add the gradients of the parameters; return that of the input if it was asked for.

        Parameters
        ----------
        dy : array of the shape of the last call's output, or tuple of arrays for several outputs
            Gradient of the loss with respect to it.

        Returns
        -------
        array, tuple of arrays for several inputs, or None

        Raises
        ------
        StateError
            If no call came before, or one in evaluation mode (whose gradients eager mode has).
        """
        last = self._last
        if last is None:
            raise StateError("backward: no forward pass came before")
        if isinstance(last, nn.Module):
            if self.input_gradient:
                return last.backward(dy)
            backward_parameters(last, dy)
            return None
        if not isinstance(last, TwoPassPlan):
            raise StateError(
                "backward: the last forward pass was in evaluation mode; call the model's train() before it, "
                "or use the model itself"
            )
        kinds = [((last.batch, *shape), last.dtype) for shape in last.output_shapes]
        given = output_gradients(last.graph.form, dy, kinds.__getitem__, type(self.model).__name__)
        dys = [given[i] if i in given else np.zeros(*kind) for i, kind in enumerate(kinds)]
        return last.backward(tuple(dys))

    def gradients(
        self,
        x: Samples,
        target: np.ndarray,
        loss: Any,
        *,
        sample_weight: np.ndarray | None = None,
        factors: bool = False,
    ) -> tuple[float, int] | None:
        """Run forward pass, loss and backward pass as one program.

        Parameters
        ----------
        x : array (N, ...), or tuple of such arrays
            Input.
        target : array (N, ...)
            As the loss takes it.
        loss : loss of fastcnn.nn
            With a reduction to one number.
        sample_weight : float array (N,), optional
            Weight of each sample in the loss.
        factors : bool
            Whether gradients that an optimizer takes as factors need not be in memory, see nn/factored.py.

        Returns
        -------
        (float, int) or None
            The loss, and the number of rows (or pixels that are not ignored) predicted right, 0 where targets
            are no classes; the gradients of all parameters are replaced. None, and nothing has happened, if
            there is no such program.

        Raises
        ------
        ArgumentError
            If the loss has no value for a target or for what the model returns. In the latter case gradients
            that there were are gone.
        """
        spec = as_loss(loss, target, sample_weight is not None)
        if spec is None or target.shape[:1] != (_samples.count(x),):
            return None
        plan = self._plans.find(self.model, x, loss=spec, factors=factors)
        if not isinstance(plan, StepPlan):
            return None
        batch = spec.batch(loss, target, sample_weight, plan.graph)
        if batch is None:
            return None
        self._last = None
        total, count = add_results(plan.step(x, batch.target, batch.factor, batch.others))
        try:
            correct = spec.correct(count)
        except ArgumentError:
            self.zero_grad()
            raise
        plan.gradients.hand_out()
        return reduced(total, loss.reduction, batch.divisor), correct

    def predict(self, x: Samples, batch_size: int = 256, *, precision: str | None = None) -> Outputs:
        """Return the outputs for x (N, ...) in evaluation mode, a batch at a time; see `Module.predict`."""
        size = integer(batch_size, "predict: batch_size", 1)
        asked = _precision.checked(precision, "predict: precision")
        return predict(self.model, _samples.check(x, "predict: x"), size, asked, self._plans)

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield the model's parameters."""
        return self.model.parameters()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with False fill those that there are with zeros."""
        self.model.zero_grad(set_to_none)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "input_gradient": self.input_gradient,
            "precision": self.precision,
            "conv_algorithm": self.conv_algorithm,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def compile(
    model: nn.Module,
    *,
    input_gradient: bool = False,
    precision: str | None = None,
    conv_algorithm: str | None = None,
) -> CompiledModule:
    """Return `model` as a callable that runs a compiled program on the same weights.

    Parameters
    ----------
    model : Module
        The model.
    input_gradient : bool
        Whether backward returns the gradient of the input.
    precision : {"highest", "high", "medium"}, optional
        Of float32 products; see `fastcnn.set_float32_matmul_precision`, whose choice None takes.
    conv_algorithm : {"direct", "gemm", "winograd", "winograd_pairs"}, optional
        How to convolve, wherever it fits; see `fastcnn.set_conv_algorithm`, whose choice None takes.

    Returns
    -------
    CompiledModule

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    >>> fast, loss = fastcnn.compile(model), nn.CrossEntropyLoss()
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> for images, labels in batches:
    ...     loss(fast(images), labels)
    ...     model.zero_grad()
    ...     fast.backward(loss.backward())
    ...     optimizer.step()
    """
    return CompiledModule(
        model, input_gradient=input_gradient, precision=precision, conv_algorithm=conv_algorithm
    )
