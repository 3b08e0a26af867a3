"""Arrays in the layouts of the engine's programs, and programs of a few operations on them."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels
from fastcnn.engine.assemble import assemble
from fastcnn.engine.elements import ElementType
from fastcnn.engine.layout import Layout
from fastcnn.engine.memory import Blob, External, Vectors
from fastcnn.engine.writer import Writer

from .helpers import poisoned

# (images, channels, height, width): channels and images around the vector lengths.
SHAPES = [(1, 3, 6, 5), (3, 1, 4, 6), (18, 17, 5, 4), (2, 40, 3, 3), (5, 16, 4, 4), (1, 24, 5, 8)]
# Threads that share the slots of a batch: fewer, as many and more than a small batch has.
THREADS = (1, 2, 3, 8, 16)

both_layouts = pytest.mark.parametrize("name", ["images", "channels"])


class Workbench:
    """Makes arrays of one batch in one layout and runs operations on them.

    ``bench.op`` is the engine's own writer: ``bench.op.conv(y=..., x=...)`` appends an operation, and ``run``
    runs all that were appended since the last run.
    """

    def __init__(self, name, dtype, batch):
        self.dtype, self.batch = np.dtype(dtype), batch
        self.element = ElementType.of(self.dtype.name)
        self.layout = Layout(name, self.element.lanes)
        self.groups = -(-batch // self.layout.images)
        self.data = {}  # arrays that come with a run, by the names that operations have for them
        self.held = {}  # arrays in place of the memory that a program takes
        self.op = Writer(self.element, self.layout)

    def keep(self, data):
        """Return the name under which operations find an array of the caller."""
        name = f"array {len(self.data)}"
        self.data[name] = data
        return name

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

    def scratch(self, vectors, element="REAL"):
        """Return poisoned vectors for each group."""
        size = vectors * self.layout.lanes
        data = poisoned(self.groups * size, self.element.dtype(element))
        return External(self.keep(data), size // self.layout.images, element)

    def sums(self, vectors, most_slots=kernels.MOST_SLOTS):
        """Return poisoned partial sums of each slot of a layer, and of one slot more than it may have."""
        sums = Vectors(vectors, self.layout.lanes, "REAL", most_slots)
        self.held[sums] = poisoned((most_slots + 1) * sums.group_size, self.dtype)
        return sums

    def of_threads(self, vectors):
        """Return poisoned vectors for each of as many threads as a run has."""
        scratch = Vectors(vectors, self.layout.lanes, each_thread=True, scope=kernels.EACH_THREAD)
        self.held[scratch] = poisoned(max(THREADS) * scratch.group_size, self.dtype)
        return scratch

    def outside(self, array, element="REAL"):
        """Return the buffer of an array of the caller, a row an image."""
        return External(self.keep(array), array[0].size, element)

    def run(self, keys=(0,), threads=2):
        """Run the operations that were appended."""
        self.op.close_part()
        self.op.scratches += self.held
        executable = assemble(self.op, self.batch, threads)
        for i, op in enumerate(self.op.ops):
            for argument, buffer in op.buffers.items():
                if isinstance(buffer, Vectors):
                    executable.program.bind(i, argument, self.held[buffer])
        arrays = tuple([self.data[name] for name in executable.externals])
        phases = len(executable.phases)
        executable.program.run(self.batch, np.array(keys, np.uint64), 0, phases, threads, arrays)
        self.op = Writer(self.element, self.layout)


class Array(Blob):
    """An array (C, H, W) of each image, all else zero."""

    def __init__(self, bench, shape, halo, padded):
        super().__init__(*shape, bench.layout, (halo, halo, halo, halo), padded, dtype=bench.element.value)
        self.bench = bench
        self.data = np.zeros(bench.groups * self.group_size, bench.dtype)
        self.external = bench.keep(self.data)

    @property
    def features(self):
        """Places of all elements in (C, H, W) order."""
        places = self.channel(np.arange(self.channels))[:, None] + self.pixels()
        return places.ravel().astype(np.int32)

    def taps(self, windows):
        """Return (first tap of each window, places of all taps); windows are lists of pixel numbers."""
        first = np.cumsum([0] + [len(window) for window in windows], dtype=np.int32)
        return first, self.pixels()[np.concatenate(windows).astype(int)]

    def _places(self):
        group, lane = np.divmod(np.arange(self.bench.batch), self.bench.layout.images)
        start = group * self.group_size + lane
        return start[:, None] + self.features

    def put(self, x):
        """Set the elements of each image."""
        self.data[self._places()] = np.reshape(x, (self.bench.batch, -1))
        return self

    def get(self):
        """Return (N, C, H, W)."""
        shape = (self.bench.batch, self.channels, self.height, self.width)
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


def same_on_any_threads(results_of):
    """Return what ``results_of(threads)`` returns, an array; no number of threads may change a bit of it."""
    first = results_of(THREADS[0])
    for threads in THREADS[1:]:
        other = results_of(threads)
        assert other.tobytes() == first.tobytes(), f"{threads} threads give another result than {THREADS[0]}"
    return first
