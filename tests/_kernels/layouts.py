"""Arrays in the layouts of the engine's programs, and programs of a few operations on them."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels
from fastcnn.engine.layout import Layout
from fastcnn.engine.memory import Blob

# (images, channels, height, width): channels and images around the vector lengths.
SHAPES = [(1, 3, 6, 5), (3, 1, 4, 6), (18, 17, 5, 4), (2, 40, 3, 3), (5, 16, 4, 4), (1, 24, 5, 8)]

both_layouts = pytest.mark.parametrize("name", ["images", "channels"])


class Workbench:
    """Makes arrays of one batch in one layout and runs operations on them."""

    def __init__(self, name, dtype, batch):
        self.dtype, self.batch = np.dtype(dtype), batch
        self.layout = Layout(name, kernels.lanes(self.dtype.itemsize))
        self.groups = -(-batch // self.layout.images)

    def array(self, x, halo=1, padded=True):
        """Return x (N, C, H, W) in the layout."""
        return Array(self, x.shape[1:], halo, padded).put(x)

    def empty(self, channels, height, width, halo=1, padded=True):
        """Return an array that an operation must fill."""
        held = Array(self, (channels, height, width), halo, padded)
        return held.put(np.full((self.batch, channels, height, width), np.nan))

    def vectors(self, channels):
        """Return the number of vectors of a pixel."""
        return self.layout.vectors(channels)

    def row(self, numbers):
        """Return a number for each channel as kernels read it."""
        row = np.zeros(self.layout.row(len(numbers)), self.dtype)
        row[: len(numbers)] = numbers
        return row

    def scratch(self, vectors, copies=None):
        """Return poisoned vectors for each group (or so many copies)."""
        size = vectors * self.layout.lanes
        array = np.full((copies or self.groups) * size, np.nan, self.dtype)
        return array, size * self.dtype.itemsize, kernels.EACH_GROUP

    def outside(self, array):
        """Return the buffer of an array of the caller, a row an image."""
        return array, array[0].nbytes * self.layout.images, kernels.EACH_GROUP

    def run(self, *ops, keys=(0,), threads=2):
        """Run operations (kernel, buffers, tables, sizes, scalars, tasks or None for groups[, together])."""
        listed, phases = [], []
        for i, (kernel, buffers, tables, sizes, scalars, tasks, *together) in enumerate(ops):
            given = [b.buffer if isinstance(b, Array) else b for b in buffers]
            given = [b if isinstance(b, tuple) else (b, 0, kernels.EACH_GROUP) for b in given]
            tables = [np.ascontiguousarray(t, np.int32) for t in tables]
            name = f"{self.layout.name}.{kernel}"
            listed.append((name, given, tables, list(map(int, sizes)), scalars, any(together), tasks or 0))
            phases.append((kernels.OVER_GROUPS if tasks is None else kernels.OVER_TASKS, i, i + 1))
        program = kernels.Program(self.dtype.itemsize, self.layout.images, listed, phases, [])
        program.run(self.batch, np.array(keys, np.uint64), 0, len(phases), threads, ())


class Array:
    """An array (C, H, W) of each image, all else zero."""

    def __init__(self, bench, shape, halo, padded):
        self.bench = bench
        self.blob = Blob(*shape, bench.layout, padded)
        self.blob.require(halo, halo, halo, halo)
        self.data = np.zeros(bench.groups * self.blob.group_size, bench.dtype)

    @property
    def buffer(self):
        """What an operation gets."""
        return self.data, self.blob.group_size * self.bench.dtype.itemsize, kernels.EACH_GROUP

    @property
    def at(self):
        """Places of the pixels."""
        return self.blob.pixels()

    @property
    def features(self):
        """Places of all elements in (C, H, W) order."""
        return (self.blob.channel(np.arange(self.blob.channels))[:, None] + self.at).ravel()

    def taps(self, windows):
        """Return (first tap of each window, places of all taps); windows are lists of pixel numbers."""
        first = np.cumsum([0] + [len(window) for window in windows])
        return first, self.at[np.concatenate(windows).astype(int)] if first[-1] else np.zeros(0, np.int32)

    def _places(self):
        group, lane = np.divmod(np.arange(self.bench.batch), self.bench.layout.images)
        start = group * self.blob.group_size + lane
        return start[:, None] + self.features

    def put(self, x):
        """Set the elements of each image."""
        self.data[self._places()] = np.reshape(x, (self.bench.batch, -1))
        return self

    def get(self):
        """Return (N, C, H, W)."""
        shape = (self.bench.batch, self.blob.channels, self.blob.height, self.blob.width)
        return self.data[self._places()].reshape(shape)

    def assert_rest_is_zero(self, past_the_batch=False):
        """Check halos and padding, and with `past_the_batch` the lanes of images that do not exist."""
        rest = self.data.copy()
        rest[self._places()] = 0
        if not past_the_batch and not self.bench.layout.by_channels:
            used = self.bench.batch - (self.bench.groups - 1) * self.bench.layout.lanes
            rest.reshape(self.bench.groups, -1, self.bench.layout.lanes)[-1, :, used:] = 0
        assert not rest.any()


def square_windows(height, width, size, stride):
    """Return the pixel numbers of each window that lies in the image, and the numbers of rows and columns."""
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    windows = [
        [(i * stride + u) * width + j * stride + v for u in range(size) for v in range(size)]
        for i in range(rows)
        for j in range(columns)
    ]
    return windows, rows, columns
