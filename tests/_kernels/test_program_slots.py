"""Weight gradients of large batches: several slots, whatever the threads."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels

from . import reference
from .geometry import make
from .helpers import assert_sums, normal
from .layouts import Workbench, both_layouts, same_on_any_threads
from .products import HALO, slotted_weight, tables_of, weight_places
from .test_program_dense import column, product, weight_gradient

# Up to 143 images have 8 slots; 300 have 18, and 1100 the most there are.
BATCHES = [128, 150, 300, 1100]
MOST_SLOTS = [64, 5, 1]


class Gradient:
    """A convolution of one geometry, and the gradient of its weight in float64."""

    def __init__(self, bench, geometry, groups, out):
        batch, inner, dtype = bench.batch, 3, bench.dtype
        self.window, self.bench = make(geometry), bench
        win = self.window
        x = normal((batch, inner, win.in_h, win.in_w), dtype)
        dy = normal((batch, out, win.out_h, win.out_w), dtype, 1)
        self.pixels = win.out_h * win.out_w
        self.shape = (out, inner // groups, win.kernel_h, win.kernel_w)
        self.source, self.dy = bench.array(x, HALO), bench.array(dy, halo=1)
        self.exact = reference.conv2d_backward_weight(dy, x, groups, win)
        self.magnitude = reference.conv2d_backward_weight(abs(dy), abs(x), groups, win)

    def operands(self, depthwise=False):
        corner, spans, taps = tables_of(self.window, self.source)
        at = spans if depthwise else taps
        return {"x": self.source, "dy": self.dy, "x_at": corner, "tap_at": at}

    def check(self, write):
        """Compare what `write(dweight)` makes with the exact gradient, on any number of threads."""

        def gradient(threads):
            dweight = np.full(self.shape, np.nan, self.bench.dtype)
            write(dweight)
            self.bench.run(threads=threads)
            return dweight

        result = same_on_any_threads(gradient)
        assert_sums(result, self.exact, self.magnitude, self.bench.batch * self.pixels)
        return result


@both_layouts
@pytest.mark.parametrize("most_slots", MOST_SLOTS)
@pytest.mark.parametrize("batch", BATCHES)
def test_convolution(isa, dtype, name, batch, most_slots):
    bench = Workbench(name, dtype, batch)
    layer = Gradient(bench, "stride above kernel", 1, 5)
    options = {"in_channels": 3, **layer.operands()}
    kinds = (False, True) if bench.layout.by_channels else (False,)  # several images between load and store
    for whole_chunk in kinds:
        layer.check(
            lambda dweight, chunk=whole_chunk: slotted_weight(
                *(bench, dweight, "conv_weight", most_slots, bench.vectors(5)), whole_chunk=chunk, **options
            )
        )


@pytest.mark.parametrize("most_slots", MOST_SLOTS)
@pytest.mark.parametrize("batch", BATCHES)
def test_depthwise_convolution(isa, dtype, batch, most_slots):
    bench = Workbench("channels", dtype, batch)
    layer = Gradient(bench, "stride above kernel", 3, 3)
    options, results = layer.operands(depthwise=True), []
    for whole_chunk in (False, True):
        results.append(
            layer.check(
                lambda dweight, chunk=whole_chunk: slotted_weight(
                    *(bench, dweight, "depthwise_weight", most_slots, bench.vectors(3)),
                    whole_chunk=chunk,
                    **options,
                )
            )
        )
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    ("geometry", "dense"),
    [("kernel of the image", False), ("kernel of the image", True), ("stride above kernel", False)],
)
@pytest.mark.parametrize("batch", [*BATCHES, 256, 1100])
def test_over_all_images_at_once(isa, dtype, batch, geometry, dense):
    """In "images", of one slot or several; those of a linear layer where taps are neighbours."""
    bench = Workbench("images", dtype, batch)
    layer = Gradient(bench, geometry, 1, 5)
    places, operands = weight_places(np.empty(layer.shape)), layer.operands()
    if dense:  # taps in the weight's own order
        order = np.argsort(places["weight_at"])
        places["weight_at"] = places["weight_at"][order]
        operands["tap_at"] = operands["tap_at"][order]
    layer.check(
        lambda dweight: bench.op.weight_of_all(
            dweight=dweight,
            tasks=-(-operands["tap_at"].size // kernels.TASK_TAPS),
            dense=dense,
            **operands,
            **places,
        )
    )


# (depth, outputs): around blocks, columns of a task, and less than a vector.
LINEAR = [(1, 1), (3, 5), (65, 6), (100, 17)]


def linear_gradient(x, dy, threads=2):
    bench = Workbench("channels", x.dtype, len(x))
    dweight = np.full((dy.shape[1], x.shape[1]), np.nan, x.dtype)
    weight_gradient(bench, dweight, column(bench, x), column(bench, dy))
    bench.run(threads=threads)
    return dweight


@pytest.mark.parametrize("size", LINEAR, ids=str)
@pytest.mark.parametrize("batch", [128, 256, 300, 1100])
def test_linear_layer(isa, dtype, batch, size):
    x, dy = normal((batch, size[0]), dtype), normal((batch, size[1]), dtype, 1)
    result = same_on_any_threads(lambda threads: linear_gradient(x, dy, threads))
    assert_sums(result, product(dy.T, x), product(abs(dy.T), abs(x)), batch)


@pytest.mark.parametrize("size", LINEAR, ids=str)
def test_a_slot_of_a_linear_layer_has_128_images(isa, dtype, size):
    """256 images are two slots, each summed like a batch of its own; 255 are one sum."""
    x, dy = normal((256, size[0]), dtype), normal((256, size[1]), dtype, 1)
    first, last = (linear_gradient(x[part], dy[part]) for part in (slice(0, 128), slice(128, 256)))
    np.testing.assert_array_equal(linear_gradient(x, dy), first + last)
    # A sum of one slot that begins with zeros is that of the images behind them.
    x[:127] = 0
    np.testing.assert_array_equal(
        linear_gradient(x[:255], dy[:255]), linear_gradient(x[127:255], dy[127:255])
    )
