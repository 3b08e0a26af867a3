"""Plans: a model lowered for one input shape, with its program and memory, ready to run."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import _samples, nn
from .._kernels import cpu
from .._kernels import program as kernels
from .._samples import Samples, Sizes, each_of
from ..errors import StateError
from .algorithms import Setting, Wanted, trains_few
from .assemble import assemble
from .choose import choose, layouts, settled, stored_as, with_spare
from .describe import describe
from .elements import ElementType
from .fuse import fuse
from .graph import Graph
from .halos import gradient_halos, masked_gradients, value_halos
from .locking import Locked
from .lower import lower
from .nodes.loss import LossSpec
from .nodes.norm import find_folded
from .parts import Backward, Forward
from .placing import find_places
from .runner import Cell, Runner, working_threads
from .widths import wide_values
from .write import names
from .writer import Writer


class Plan(Locked):
    """A compiled model for samples of given shapes: for training, batches up to a capacity, else any batch.

    It is an InferencePlan, a TwoPassPlan if it is for training, and a StepPlan if it also has a loss. Threads
    that train take turns; between a forward and its backward pass no other may come.

    Parameters
    ----------
    model : Module
        The model; its parameters are read, and its running statistics updated, in place.
    input_shape : (C, H, W) or (F,), or tuple of such shapes for several inputs
        Shape of one sample.
    training : bool
        Whether each layer is in its own mode and there is a backward part, for the parameters with
        requires_grad; else all layers are in evaluation mode.
    batch_size : int
        The largest batch, if memory depends on it; rounded up to whole vectors.
    input_gradient : bool
        Whether backward returns the gradients of the inputs.
    layout : {"images", "channels"}, optional
        Of the buffers; by default what `choose` says for the batch size.
    bands : int
        Parts that the work on one image may be cut into, for threads.
    loss : Loss or ElementLoss, optional
        Makes a plan that trains in one part, see `StepPlan.step`.
    graph : Graph, optional
        What the model is lowered to, if that is known.
    wanted : Wanted
        What is asked of products.
    """

    training = False
    loss: LossSpec | None = None
    _kinds: ClassVar[dict[str, type[Plan]]] = {}  # see plans.py

    def __new__(cls, *args: Any, training: bool = False, loss: LossSpec | None = None, **kwargs: Any) -> Plan:
        """Make the kind of plan that is asked for."""
        name = "inference" if not training else "two passes" if loss is None else "step"
        return super().__new__(Plan._kinds[name] if cls is Plan else cls)

    def __init_subclass__(cls, kind: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if kind:
            Plan._kinds[kind] = cls

    def __init__(
        self,
        model: nn.Module,
        input_shape: Sizes,
        *,
        training: bool = False,
        batch_size: int,
        input_gradient: bool = False,
        layout: str | None = None,
        bands: int = 1,
        loss: LossSpec | None = None,
        graph: Graph | None = None,
        wanted: Wanted = Wanted(),  # noqa: B008
    ) -> None:
        super().__init__()
        self.graph = fuse(lower(model, input_shape, self.training)) if graph is None else graph
        self.input_shapes = each_of(input_shape)
        self.dtype = self.graph.dtype
        self.loss = loss if self.training else None
        self.input_gradient = input_gradient
        self.parameter_grads: list[tuple[nn.Parameter, np.ndarray]] = []
        wanted = settled(self.graph, self.training, wanted, layout)
        self.precision = wanted.precision
        layout = layout or choose(self.graph, batch_size, self.training, wanted).name
        element = ElementType.of(stored_as(self.dtype, wanted))
        named = {each.name: each for each in layouts(element)}[layout]
        self.layout = with_spare(named, self.graph)
        writer = Writer(element, self.layout, bands, single=batch_size == 1 and bands > 1)
        grads = self.graph.wanted(input_gradient) if self.training else set()
        folded = find_folded(self.graph, grads)
        halos = value_halos(self.graph, folded)
        in_place = not self.training and self.layout.by_channels
        places = find_places(self.graph, folded, halos, self.layout) if in_place else {}
        few = trains_few(self.training, batch_size)
        setting = Setting(
            self.layout, self.training, writer.single, few, wanted, element.narrow, element.tiles
        )
        wide = wide_values(self.graph, folded, places) if element.narrow else set()
        forward = Forward(writer, self.graph, setting, grads, folded, halos, places, wide)
        self._write(writer, forward)
        self.isa, threads = cpu.get_isa(), working_threads()
        self.executable = assemble(writer, batch_size, threads)
        self.capacity = self.executable.capacity
        self.runner = Runner(self.executable, threads, forward.dropouts)
        # What of norms a prediction packs with the parameters.
        fixed = [s.norm for s in forward.norms.values() if s.norm.fixed]
        running = [each for norm in fixed for each in (norm.running_mean, norm.running_var)]
        self._running = [each for each in running if each is not None]
        # Of layers that take the statistics of batches.
        counters = [s.norm.num_batches_tracked for n, s in forward.norms.items() if n.takes_statistics]
        self._counters = [each for each in counters if each is not None]
        one_pixel = any(node.x.pixels == 1 and node.takes_statistics for node in forward.norms)
        self.min_batch = 2 if one_pixel else 1  # one value has no variance
        self.output_shapes = self.graph.output_shapes
        # What the caller's arrays are called.
        self._inputs = names("input", len(self.input_shapes))
        self._outputs = names("output", len(self.output_shapes))
        self.batch = 0  # of the last run
        self.picked = forward.picked  # (layers, pass, implementation) of each product

    def _write(self, writer: Writer, forward: Forward) -> None:
        """Write the program."""
        raise NotImplementedError

    def _backward(self, forward: Forward) -> Backward:
        """Return a backward part, ready to be written."""
        masked = masked_gradients(self.graph, forward.wanted)
        halos = gradient_halos(self.graph, forward.wanted, masked)
        return Backward(forward, self.input_gradient, halos, masked)

    def fits(self, batch: int) -> bool:
        """Tell whether the plan can run a batch of this size with the present settings."""
        if self.isa != cpu.get_isa() or batch > self.capacity:
            return False
        threads = self.runner.threads
        return threads == kernels.MOST_SLOTS or cpu.threads_in_use() <= threads

    def _begin(self, batch: int) -> list[Cell]:
        """Get ready for a batch; return what must stay alive while it runs."""
        arrays = self.runner.refresh()
        self.batch = batch
        if self.runner.dropouts:
            self.runner.draw_keys()
        return arrays

    def _arrays(self, x: Samples, shapes: list[tuple[int, ...]], what: str) -> tuple[np.ndarray, ...]:
        """Return samples as the program reads them, copied only where they must be."""
        if len(shapes) == 1 and isinstance(x, np.ndarray):  # nearly always, and without a loop
            return (self._readable(x, shapes[0], what),)
        arrays = _samples.arrays(x)
        if len(arrays) != len(shapes) or any(len(each) != len(arrays[0]) for each in arrays):
            got = _samples.shapes(x)
            raise StateError(f"the plan needs {len(shapes)} arrays of equal length for {what}, got {got}")
        return tuple(self._readable(*each, what) for each in zip(arrays, shapes, strict=True))

    def _readable(self, array: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
        if array.shape[1:] != shape or array.dtype != self.dtype:
            got = f"{array.dtype} {array.shape}"
            raise StateError(f"the plan needs {what} {self.dtype} (N, *{shape}), got {got}")
        flags = array.flags
        if flags.c_contiguous and flags.aligned:
            return array
        return np.require(array, requirements=["C", "A"])

    def describe(self) -> str:
        """Return the program as text: phases, operations with the layers they belong to, buffers, work."""
        return describe(self)
