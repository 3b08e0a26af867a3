"""Halos: as wide as what is read around each value and gradient, for all networks."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fastcnn import nn
from fastcnn._kernels import cpu
from fastcnn.engine import Plan
from fastcnn.engine.check import check_places
from fastcnn.engine.fuse import fuse
from fastcnn.engine.halos import GradientHalos, gradient_halos, masked_gradients, value_halos
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.conv import Conv
from fastcnn.engine.nodes.loss import Loss
from fastcnn.engine.nodes.norm import find_folded
from fastcnn.engine.nodes.pool import Pool
from fastcnn.engine.tracing import UnsupportedError

from .networks import freeze, layouts_of, random_classifier, random_network

seeds = st.integers(0, 2**32 - 1)
relaxed = [HealthCheck.too_slow, HealthCheck.filter_too_much]


def lowered(model, shape, training):
    try:
        return fuse(lower(model, shape, training))
    except UnsupportedError:
        assume(False)


def around(rows, columns, value):
    """Return how far pixels reach out of a value: left, right, top, bottom."""
    if not rows or not columns:
        return 0, 0, 0, 0
    sides = -min(columns), max(columns) - value.width + 1, -min(rows), max(rows) - value.height + 1
    return tuple(max(0, side) for side in sides)


def read_by(node):
    """Return how far the windows of a node reach out of its input, pixel by pixel."""
    if isinstance(node, Pool):
        return around(node.taps.rows.read().tolist(), node.taps.columns.read().tolist(), node.x)
    win = node.window
    rows = [
        i * win.stride_h - win.pad_top + u * win.dilation_h
        for i in range(win.out_h)
        for u in range(win.kernel_h)
    ]
    columns = [
        j * win.stride_w - win.pad_left + v * win.dilation_w
        for j in range(win.out_w)
        for v in range(win.kernel_w)
    ]
    return around(rows, columns, node.x)


def read_by_input_gradient(node):
    """Return how far dx reaches out of dy: x[i] is tap u of window (i + pad - u dilation) / stride."""
    win = node.window

    def windows(size, pad, kernel, dilation, stride):
        ends = [(i + pad - u * dilation) for i in range(size) for u in range(kernel)]
        return [end // stride for end in ends if end % stride == 0]

    rows = windows(win.in_h, win.pad_top, win.kernel_h, win.dilation_h, win.stride_h)
    columns = windows(win.in_w, win.pad_left, win.kernel_w, win.dilation_w, win.stride_w)
    return around(rows, columns, node.y)


def covers(halo, read):
    return all(has >= needs for has, needs in zip(halo, read, strict=True))


@settings(max_examples=300, suppress_health_check=relaxed)
@given(seeds, st.booleans(), st.booleans())
def test_halos_cover_what_windows_read(seed, training, frozen):
    model, shape, _ = random_network(seed)
    if frozen:
        freeze(model, seed)
    graph = lowered(model, shape, training)
    wanted = graph.wanted(True) if training else set()
    values = value_halos(graph, find_folded(graph, wanted))
    gradients = gradient_halos(graph, wanted, masked_gradients(graph, wanted))
    for node in graph.nodes:
        if isinstance(node, Conv | Pool):
            assert covers(values.get(node.x, (0, 0, 0, 0)), read_by(node)), node.label
        if isinstance(node, Conv) and node.y in wanted and node.x in wanted:
            assert covers(gradients.masked(node), read_by_input_gradient(node)), node.label


@settings(max_examples=150, suppress_health_check=relaxed)
@given(
    seed=seeds,
    isa=st.sampled_from(cpu.available_isas("float32")),
    frozen=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    bands=st.sampled_from([1, 3]),
    mode=st.sampled_from(["inference", "two parts", "a step"]),
    input_gradient=st.booleans(),
)
def test_plans_of_random_networks_read_and_write_in_their_buffers(
    seed, isa, frozen, dtype, bands, mode, input_gradient
):
    model, shape, batch = (random_classifier if mode == "a step" else random_network)(seed)
    model.astype(dtype)
    if frozen:
        freeze(model, seed)
    before = cpu.get_isa()
    cpu.set_isa(isa)
    try:
        kinds = {
            "inference": {"training": False},
            "two parts": {"training": True, "input_gradient": input_gradient},
            "a step": {"training": True, "loss": Loss(), "input_gradient": input_gradient},
        }
        for layout in layouts_of(model, shape):
            cuts = bands if layout == "channels" else 1
            plan = Plan(model, shape, batch_size=batch, layout=layout, bands=cuts, **kinds[mode])
            ops = plan.executable.writer.ops
            assert ops
            for op in ops:
                check_places(op, plan.layout)
    finally:
        cpu.set_isa(before)


def halos_of(*layers, shape):
    """Return (graph, halo of what each node reads, halos of gradients) of a network."""
    graph = fuse(lower(nn.Sequential(*layers), shape, True))
    wanted = graph.wanted(True)
    values = value_halos(graph, find_folded(graph, wanted))
    gradients = gradient_halos(graph, wanted, masked_gradients(graph, wanted))
    return graph, [values.get(node.x, (0, 0, 0, 0)) for node in graph.nodes], gradients


@pytest.mark.parametrize(
    ("layer", "value", "gradient"),
    [
        (nn.Conv2d(2, 3, 3, padding=1), (1, 1, 1, 1), (1, 1, 1, 1)),
        (nn.Conv2d(2, 3, 1), (0, 0, 0, 0), (0, 0, 0, 0)),
        (nn.Conv2d(2, 3, 3), (0, 0, 0, 0), (2, 2, 2, 2)),
        (nn.Conv2d(2, 3, (5, 1), padding=(2, 0)), (0, 0, 2, 2), (0, 0, 2, 2)),
        # Rows 0 .. 6 and windows at -1, 1, 3, 5: the last one ends at 7. Row 0 is tap 1 of window 0.
        (nn.Conv2d(2, 3, 3, stride=2, padding=1), (1, 1, 1, 1), (0, 0, 0, 0)),
        (nn.Conv2d(2, 3, 3, padding=2, dilation=2), (2, 2, 2, 2), (2, 2, 2, 2)),
        (nn.Conv2d(2, 3, 2, padding=(0, 1, 0, 1)), (0, 1, 0, 1), (1, 0, 1, 0)),
    ],
    ids=repr,
)
def test_of_one_convolution(layer, value, gradient):
    """Sides are left, right, top, bottom; the image has 7 rows and columns."""
    graph, values, gradients = halos_of(layer, shape=(2, 7, 7))
    assert values == [value]
    assert gradients.of_gradient(graph.outputs[0]) == gradients.masked(graph.nodes[0]) == gradient


def test_what_nodes_read_of_one_value():
    """The concatenation reads what the convolution reads; padding is no part of a maximum."""
    body = nn.Sequential(nn.Conv2d(2, 2, (1, 5), padding=(0, 2)))
    graph, values, _ = halos_of(nn.DenseResidual(body), nn.MaxPool2d(3, 1, 1), shape=(2, 7, 7))
    assert [type(node).__name__ for node in graph.nodes] == ["Conv", "Concat", "Pool"]
    assert values == [(2, 2, 0, 0), (2, 2, 0, 0), (0, 0, 0, 0)]


def test_zeros_that_are_part_of_a_maximum_are_a_halo():
    """Of 9 rows with the zeros, the windows of 2 read 8: the last row of zeros is not read."""
    _, values, _ = halos_of(nn.Conv2d(2, 2, 1), nn.ZeroPad2d(1), nn.MaxPool2d(2), shape=(2, 7, 7))
    assert values == [(0, 0, 0, 0), (1, 0, 1, 0)]


def test_a_gradient_with_a_copy_behind_its_relu_has_no_halo_itself():
    """The copy is what the convolution's own backward pass reads."""
    graph, _, gradients = halos_of(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), shape=(2, 7, 7))
    (node,) = graph.nodes
    assert gradients.of_gradient(node.y) == (0, 0, 0, 0)
    assert gradients.masked(node) == (1, 1, 1, 1)


def test_the_gradient_of_the_input_has_none():
    graph, _, gradients = halos_of(nn.Conv2d(2, 3, 3, padding=1), shape=(2, 7, 7))
    assert gradients.of_gradient(graph.inputs[0]) == (0, 0, 0, 0)
    assert GradientHalos({}, {}).masked(graph.nodes[0]) == (0, 0, 0, 0)


def test_a_gradient_that_is_handed_on_has_the_halo_of_whom_it_is_handed_to():
    body = nn.Sequential(nn.Conv2d(2, 2, 5, padding=2))
    graph, _, gradients = halos_of(nn.Residual(body), shape=(2, 7, 7))
    add = graph.nodes[-1]
    assert gradients.of_gradient(add.y) == gradients.masked(add) == (2, 2, 2, 2)
