"""Linear layers on packed weights in the layout "channels", for inference: a chunk or all images at once."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels
from fastcnn._kernels.elementwise import ACTIVATIONS
from fastcnn.engine.memory import table

from .helpers import assert_sums, normal
from .layouts import Workbench, same_on_any_threads
from .products import pack
from .test_program_dense import column, product

# (depth, outputs): blocks of vectors, whole and partial; the depth of each is a multiple of the chains.
SIZES = [(4, 1), (12, 5), (64, 17), (100, 49), (260, 70)]
BATCHES = [1, 2, 5, 16, 33]


class Layer:
    """A linear layer of `chains` sums that are added in order."""

    def __init__(self, bench, x, weight, bias, chains):
        self.bench, self.out, depth = bench, len(weight), weight.shape[1]
        self.x, self.y = column(bench, x), bench.empty(self.out, 1, 1)
        part = depth // chains
        self.packed = pack(bench, weight[:, :, None, None])
        self.segments = table(np.array([(0, 1, i, i + 1) for i in range(chains)]).ravel())
        self.operands = {
            "y": self.y,
            "x": self.x,
            "weight": self.packed,
            "bias": bench.row(bias),
            "y_at": table(self.y.pixels()[:1]),
            "x_at": table(self.x.pixels()[:1]),
            "span_at": table(np.arange(chains) * part),
            "k_at": table(np.arange(chains) * part),
            "span_length": part,
            "depth": depth,
            "vectors": bench.vectors(self.out),
        }

    def of_chunk(self, ends):
        """Append the operation on the images of a chunk."""
        summed = len(self.operands["span_at"]) > 1
        options = {"row_pixels": 1, "summed": summed, "whole_chunk": True, **self._ending(ends)}
        self.bench.op.conv_spans(segments=self.segments, **options, **self.operands)

    def of_all(self, ends, shares):
        """Append the operation on all images."""
        tasks = self.bench.op.blocks(self.out) * shares
        options = {"shares": shares, "tasks": tasks, **self._ending(ends)}
        self.bench.op.dense_of_all(**options, **self.operands)

    def _ending(self, ends):
        row = ACTIVATIONS["leaky_relu" if ends == "slopes" else ends] if ends else 0
        slope = self.bench.row(slopes_of(self.out, self.bench.dtype)) if ends == "slopes" else None
        return {"activation": row, "slope": slope}

    def result(self, threads=2):
        """Run; return (N, outputs)."""
        self.bench.run(threads=threads)
        self.y.assert_rest_is_zero()
        return self.y.get().reshape(self.bench.batch, self.out)


def slopes_of(out, dtype):
    """Return slopes for so many channels, from below 0 to above 1."""
    return np.linspace(-1, 2, out).astype(dtype)


@pytest.mark.parametrize("ends", [None, "relu", "slopes"])
@pytest.mark.parametrize("chains", [1, kernels.CHAINS])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("batch", BATCHES)
def test_every_way_gives_the_same_to_the_bit(isa, dtype, batch, size, chains, ends):
    depth, out = size
    x, weight = normal((batch, depth), dtype), normal((out, depth), dtype, 1)
    bias = normal(out, dtype, 2)

    def layer(rows=slice(None)):
        return Layer(Workbench("channels", dtype, len(x[rows])), x[rows], weight, bias, chains)

    def of_chunk(threads):
        made = layer()
        made.of_chunk(ends)
        return made.result(threads)

    result = same_on_any_threads(of_chunk)
    expected = product(x, weight.T) + bias
    magnitude = product(abs(x), abs(weight.T)) + abs(bias)
    factors = {None: 1, "relu": 0, "slopes": slopes_of(out, dtype)}[ends]
    expected, magnitude = (
        np.where(expected > 0, 1, factors) * expected,
        np.maximum(1, abs(factors)) * magnitude,
    )
    assert_sums(result, expected, magnitude, depth + chains)
    for shares in (1, 3, 8):

        def of_all(threads, shares=shares):
            made = layer()
            made.of_all(ends, shares)
            return made.result(threads)

        np.testing.assert_array_equal(same_on_any_threads(of_all), result)
    for write in (lambda one: one.of_chunk(ends), lambda one: one.of_all(ends, 3)):
        one = layer(slice(batch - 1, batch))  # an image alone
        write(one)
        np.testing.assert_array_equal(one.result(), result[-1:])
