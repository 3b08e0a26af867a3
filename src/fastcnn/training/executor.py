"""How a model is run on batches: one forward pass, or one step of training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _precision, _samples
from .._samples import Samples
from ..engine import CompiledModule
from ..errors import ArgumentError
from ..nn import changes
from ..nn.module import Module
from ..nn.parameter import Parameter
from ..nn.parameter_pass import backward_parameters
from ..nn.prediction import call
from ..nn.utils import clip_grad_norm_, clip_grad_value_
from ..optim import Optimizer
from ..optim.finite import FiniteSteps
from ..optim.gradients import largest_gradient
from .accumulation import Accumulation
from .buffers import Buffers
from .checks import logits_of
from .targets import divisor_of, loss_of


def count_correct(outputs: Any, target: np.ndarray) -> int:
    """Return how many rows of logits (N, K) have their largest value at the target's class.

    Logits are the first array of several outputs; of probabilities (N, K) the class is that of the largest. 0
    if the target is neither, so that accuracy has no meaning.
    """
    logits = logits_of(outputs)
    if target.ndim == 2 and np.shape(logits) == target.shape and np.allclose(target.sum(1), 1, atol=1e-3):
        target = target.argmax(1)
    if (
        not isinstance(logits, np.ndarray)
        or logits.ndim != 2
        or target.ndim != 1
        or target.dtype.kind not in "iu"
    ):
        return 0
    return int(np.count_nonzero(logits.argmax(1) == target))


class Eager:
    """Run layer after layer in Python: the reference.

    Parameters
    ----------
    model : Module
    optimizer : Optimizer
    loss : loss of fastcnn.nn, or the like
    clip_norm, clip_value : float, optional
        Limits of the gradients' norm and of each element, see Trainer.
    accumulation : Accumulation, optional
        Where gradients of several batches add up to that of a step.

    Attributes
    ----------
    refused : str
        What was not finite in the last step, which then has changed nothing, buffers neither: its "loss", a
        buffer ("the buffer 1.running_var"), a "gradient", or what the optimizer would have made of the
        "weights". Empty if the step was taken, or the batch is part of one to come.
    stepped : bool
        Whether the optimizer has taken a step.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Any,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulation: Accumulation | None = None,
        precision: str | None = None,
    ) -> None:
        self.model: Any = model
        self._precision = precision
        self.optimizer = optimizer
        self.loss = loss
        self._clip_norm = clip_norm
        self._clip_value = clip_value
        self._accumulation = Accumulation() if accumulation is None else accumulation
        self._module = model
        self._buffers = Buffers(model)
        self._steps = FiniteSteps(optimizer)
        self.refused = ""
        self.stepped = False
        self._dtype_at = -1  # the change of the model up to which its type is known

    def dtype(self) -> np.dtype:
        """Return the element type of the model's first parameter."""
        if self._dtype_at != changes.latest_structure():
            self._dtype_at = changes.latest_structure()
            first = next(self._module.parameters(), None)
            self._dtype = np.dtype(np.float32) if first is None else first.dtype
        return self._dtype

    def step(
        self, x: Samples, y: np.ndarray, due: bool | None = None, weights: np.ndarray | None = None
    ) -> tuple[float, int]:
        """Do one step of training on a batch, or a part of one.

        Parameters
        ----------
        x : array (N, C, H, W), or tuple of arrays for several inputs
            Input of the model, in its precision.
        y : array
            Target of the loss; int64 (N,) for classes.
        due : bool, optional
            Add the gradients to those of other batches, and take the step of all (True) or not yet (False).
            None: a step on this batch alone.
        weights : float array (N,), optional
            How much each sample counts. A batch in which none does changes nothing.

        Returns
        -------
        loss : float
        correct : int
            Number of rows predicted right, before the change of the weights.
        """
        self.stepped = False
        self._buffers.keep()
        counted = self._counted(x, y, weights)
        self.refused = ""
        if counted is not None:
            self.refused = self._not_finite(counted[0]) or (
                self._update() if due is None else self._add(divisor_of(self.loss, y, weights))
            )
        if due and self._accumulation.weight:
            # Also when this batch is no part of it: the others are.
            self._accumulation.hand_out()
            self.refused = self._update() or self.refused
        if self.refused:
            self._buffers.put_back()
        return (0.0, 0) if counted is None else counted

    def _counted(self, x: Samples, y: np.ndarray, weights: np.ndarray | None) -> tuple[float, int] | None:
        """Return what `_gradients` does; None, and nothing has changed, if no target counts."""
        if weights is not None and not weights.any():
            return None
        done = self._gradients(x, y, weights)
        if math.isfinite(done[0]) or divisor_of(self.loss, y, weights) != 0:
            return done
        self._buffers.put_back()  # a mean over no target, as of masks in which no pixel counts
        return None

    def _not_finite(self, loss: float) -> str:
        """Return what of a forward pass is not finite."""
        if not math.isfinite(loss):
            return "loss"
        buffer = self._buffers.not_finite()
        return "" if buffer is None else f"the buffer {buffer}"

    def _add(self, weight: float) -> str:
        """Add the gradients that there are to those of other batches, unless one is not finite."""
        gathered = self.optimizer.gathered()
        if not math.isfinite(largest_gradient(gathered)):
            return "gradient"
        self._accumulation.add(gathered, weight, getattr(self.loss, "reduction", "mean") == "sum")
        return ""

    def _gradients(self, x: Samples, y: np.ndarray, weights: np.ndarray | None) -> tuple[float, int]:
        """Return loss and number of rows predicted right, and leave gradients if the loss is finite."""
        self.model.zero_grad()
        with _precision.within(self._precision):
            outputs = call(self.model, x, self._module)
        value = loss_of(self.loss, outputs, y, weights)
        if np.ndim(value):
            raise ArgumentError(
                f"Trainer: the loss must be one number, got an array of the shape {np.shape(value)}: take "
                "reduction 'mean' or 'sum'"
            )
        loss = float(value)
        correct = count_correct(outputs, y)
        if math.isfinite(loss):
            self._backward(self.loss.backward())
        return loss, correct

    def _backward(self, dy: Any) -> None:
        """Add the gradients of the parameters for the gradient of the outputs."""
        backward_parameters(self.model, dy)

    def _update(self) -> str:
        """Let the optimizer take a step with the gradients that there are, clipped; or return why not."""
        if self._clip_value is not None:
            clip_grad_value_(self._trained(), self._clip_value)
        gathered = self.optimizer.gathered()
        bound = largest_gradient(gathered)
        if self._clip_norm is not None and math.isfinite(bound):
            clip_grad_norm_(self._trained(), self._clip_norm)
            gathered = self.optimizer.gathered()
        if not math.isfinite(bound):
            return "gradient"
        self.stepped = self._steps.take(gathered, bound)
        return "" if self.stepped else "weights"

    def _trained(self) -> list[Parameter]:
        return [p for group in self.optimizer.param_groups for p in group["params"] if p.requires_grad]

    def forward(self, x: Samples) -> Any:
        """Return the outputs for one batch in evaluation mode."""
        count = max(_samples.count(x), 1)
        return self.model.predict(x, count, engine=False, precision=self._precision)


class Compiled(Eager):
    """Run the model's compiled program; a model that has none runs layer after layer."""

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Any,
        *,
        conv_algorithm: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(model, optimizer, loss, **options)
        self.model = CompiledModule(model, precision=self._precision, conv_algorithm=conv_algorithm)

    def _gradients(self, x: Samples, y: np.ndarray, weights: np.ndarray | None) -> tuple[float, int]:
        """Do so in one program if there is one for the loss."""
        factors = self.optimizer.takes_factors and self._clip_norm is None and self._clip_value is None
        done = self.model.gradients(x, y, self.loss, sample_weight=weights, factors=factors)
        return super()._gradients(x, y, weights) if done is None else done

    def _backward(self, dy: Any) -> None:
        self.model.backward(dy)

    def forward(self, x: Samples) -> Any:
        """Return the outputs for one batch in evaluation mode, each row the same to the bit in any batch."""
        return self.model.predict(x, max(_samples.count(x), 1))
