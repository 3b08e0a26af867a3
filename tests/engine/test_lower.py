"""Lowering: the nodes that each layer becomes, what has none, and what a graph depends on."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine.fuse import fuse
from fastcnn.engine.lower import lower, trace
from fastcnn.engine.nodes.apply import Apply
from fastcnn.engine.nodes.conv import Conv
from fastcnn.engine.nodes.dense import Dense
from fastcnn.engine.nodes.merge import Add, Concat
from fastcnn.engine.nodes.pool import Pool
from fastcnn.engine.tracing import UnsupportedError
from fastcnn.errors import FastcnnError, ShapeError
from fastcnn.graph import ReLU

from .test_taps import listed


def nodes_of(*layers, shape=(3, 8, 6)):
    return lower(nn.Sequential(*layers), shape).nodes


def fused(*layers):
    return fuse(lower(nn.Sequential(*layers), (3, 8, 6))).nodes


def sizes(value):
    return (value.channels, value.height, value.width)


def test_convolution():
    layer = nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0, 2, 1), dilation=(1, 2))
    (node,) = nodes_of(layer)
    assert isinstance(node, Conv)
    assert node.weight is layer.weight
    assert node.bias is layer.bias
    assert (node.groups, node.activation, node.position_bias) == (1, None, None)
    assert sizes(node.y) == (4, 5, 5)
    assert node.window == (8, 6, 5, 5, 3, 2, 2, 1, 2, 1, 1, 2)


def test_groups_and_named_padding():
    (node,) = nodes_of(nn.Conv2d(3, 6, 3, padding="same", groups=3, bias=False))
    assert (node.groups, node.bias, sizes(node.y)) == (3, None, (6, 8, 6))


def test_a_convolution_over_the_whole_image_is_a_linear_layer():
    whole, inside, grouped = nodes_of(nn.Conv2d(3, 5, (8, 6))), nodes_of(nn.Conv2d(3, 5, (8, 5))), None
    assert isinstance(whole[0], Dense)
    assert sizes(whole[0].y) == (5, 1, 1)
    assert isinstance(inside[0], Conv)
    grouped = nodes_of(nn.Conv2d(3, 3, (8, 6), groups=3))
    assert isinstance(grouped[0], Conv)
    assert isinstance(nodes_of(nn.ZeroPad2d((0, 1, 0, 0)), nn.Conv2d(3, 5, (8, 7)))[0], Conv)


def test_linear_reads_what_was_flattened():
    graph = lower(nn.Sequential(nn.Flatten(), nn.Linear(144, 7, bias=False)), (3, 8, 6))
    (node,) = graph.nodes
    assert isinstance(node, Dense)
    assert (node.x,) == graph.inputs
    assert (sizes(node.y), graph.output_shapes, graph.dtype) == ((7, 1, 1), [(7,)], np.float32)


def test_identity_is_nothing():
    """It parts no neighbours that fuse, and a margin goes through it to the layer that reads it."""
    layers = [nn.Identity(), nn.ZeroPad2d(1), nn.Identity(), nn.Conv2d(3, 4, 3), nn.Identity(3), nn.ReLU()]
    conv, relu = nodes_of(*layers)
    assert isinstance(conv, Conv)
    assert sizes(conv.y) == (4, 8, 6)
    assert relu.x is conv.y
    assert [type(node) for node in fuse(lower(nn.Sequential(*layers), (3, 8, 6))).nodes] == [Conv]
    with pytest.raises(UnsupportedError, match="only changes shapes"):
        nodes_of(nn.Identity())


def test_input_of_features():
    graph = lower(nn.Sequential(nn.Linear(5, 4), nn.ReLU()), (5,))
    assert [type(node) for node in graph.nodes] == [Dense, Apply]
    assert graph.output_shapes == [(4,)]


def test_elementwise_layers():
    norm, drop = nn.BatchNorm2d(3), nn.Dropout(0.3)
    first, second, third = lower(nn.Sequential(norm, nn.ReLU(), drop), (3, 8, 6), training=True).nodes
    assert (first.norm.weight, first.norm.fixed) == (norm.weight, False)
    assert isinstance(second.activation, ReLU)
    assert third.dropout is drop
    assert first.y.consumers == [second]
    assert second.y.producer is second


def test_layers_in_evaluation_mode():
    """Batch normalisation is fixed and dropout does nothing."""
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Dropout(0.3), nn.BatchNorm2d(3), nn.Dropout(0.3))
    assert [node.norm.fixed for node in lower(model, (3, 8, 6)).nodes] == [True, True]
    model[0].eval()
    model[1].eval()
    first, second, third = lower(model, (3, 8, 6), training=True).nodes
    assert (first.norm.fixed, second.norm.fixed, third.dropout) == (True, False, model[3])


def test_the_mode_of_a_trace():
    """Which layers are in training, and what is trained."""
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU())

    def mode():
        return trace(model, (3, 8, 6), True).mode

    assert mode() == ((True,), (True,) * 4)
    model[1].eval()
    model[0].weight.requires_grad = False
    assert mode() == ((False,), (False, True, True, True))
    assert trace(model, (3, 8, 6), False).mode == ((False,), (False, True, True, True))
    model[1].train()
    assert trace(model, (3, 8, 6), False).mode == ((False,), (False, True, True, True))
    assert model[1].training


def test_wanted_gradients_end_at_what_is_trained():
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Residual(nn.Conv2d(3, 3, 1)), nn.ReLU())
    graph = lower(model, (3, 4, 4), training=True)
    conv, relu, inner, add, last = graph.nodes
    assert graph.wanted() == {conv.y, relu.y, inner.y, add.y, last.y}
    assert graph.wanted(input_gradient=True) == graph.wanted() | set(graph.inputs)
    model[0].requires_grad_(False)
    assert graph.wanted() == {inner.y, add.y, last.y}
    model.requires_grad_(False)
    assert graph.wanted() == set()
    assert graph.wanted(input_gradient=True) == {*graph.inputs, conv.y, relu.y, inner.y, add.y, last.y}


def test_zero_padding_becomes_the_padding_of_a_convolution():
    (padded,) = nodes_of(nn.ZeroPad2d((1, 0, 2, 3)), nn.Conv2d(3, 4, 3, padding=1))
    assert (padded.window.pad_left, padded.window.pad_top) == (2, 3)
    assert sizes(padded.y) == (4, 8 + 5 + 2 - 2, 6 + 1 + 2 - 2)
    assert (padded.window.in_h, padded.window.in_w) == (8, 6)


def test_the_zeros_of_a_margin_take_part_in_the_maximum_the_padding_does_not():
    (padded,) = nodes_of(nn.MaxPool2d(2, 2, 1), shape=(1, 2, 2))
    assert listed(padded.taps) == [[(0, 0)], [(0, 1)], [(1, 0)], [(1, 1)]]
    (margin,) = nodes_of(nn.ZeroPad2d(1), nn.MaxPool2d(2, 2), shape=(1, 2, 2))
    assert listed(margin.taps)[0] == [(-1, -1), (-1, 0), (0, -1), (0, 0)]


def test_average_pooling_counts_what_it_is_told_to():
    (node,) = nodes_of(nn.AvgPool2d(2, 2, 1), shape=(1, 2, 2))
    assert (listed(node.taps)[0], list(node.factors())) == ([(0, 0)], [1 / 4] * 4)
    (node,) = nodes_of(nn.AvgPool2d(2, 2, 1, count_include_pad=False), shape=(1, 2, 2))
    assert list(node.factors()) == [1] * 4
    (node,) = nodes_of(nn.AvgPool2d(2, divisor_override=-3), shape=(1, 2, 2))
    assert list(node.factors()) == [-1 / 3]


def test_adaptive_average_pooling():
    (node,) = nodes_of(nn.AdaptiveAvgPool2d((None, 2)), shape=(2, 1, 5))
    assert isinstance(node, Pool)
    assert listed(node.taps) == [[(0, 0), (0, 1), (0, 2)], [(0, 2), (0, 3), (0, 4)]]
    assert list(node.factors()) == [1 / 3, 1 / 3]


def test_residual_blocks():
    conv, add = nodes_of(nn.Residual(nn.Conv2d(3, 3, 3, padding=1)))
    assert isinstance(add, Add)
    assert add.inputs == (conv.x, conv.y)
    assert conv.x.consumers == [conv, add]
    conv, concat = nodes_of(nn.DenseResidual(nn.Conv2d(3, 2, 1)))
    assert isinstance(concat, Concat)
    assert sizes(concat.y) == (5, 8, 6)


def test_a_bias_for_each_position_joins_the_convolution():
    bias = nn.PositionBias((4, 8, 6))
    (node,) = fused(nn.Conv2d(3, 4, 3, padding=1, bias=False), bias)
    assert node.position_bias is bias.bias


@pytest.mark.parametrize(
    ("before", "count"),
    [
        ([], 1),
        ([nn.Conv2d(3, 3, 1)], 2),
        ([nn.Conv2d(3, 3, 1, bias=False), nn.ReLU()], 2),
        ([nn.ZeroPad2d(1), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)], 3),
        ([nn.Conv2d(3, 3, 1, bias=False), nn.PositionBias((3, 8, 6))], 2),
    ],
)
def test_a_bias_for_each_position_stands_anywhere(before, count):
    nodes = fused(*before, nn.PositionBias((3, 8, 6)))
    assert len(nodes) == count
    assert type(nodes[-1]).__name__ == "PositionBias"


def test_a_bias_for_each_position_leaves_a_value_that_others_read_alone():
    body = nn.Sequential(nn.PositionBias((3, 8, 6)), nn.ReLU())
    for block in (nn.Residual(body), nn.DenseResidual(body)):
        conv, bias, *_ = fused(nn.Conv2d(3, 3, 1, bias=False), block)
        assert conv.position_bias is None
        assert bias.x is conv.y


def test_a_subclass_is_what_its_forward_does():
    class Own(nn.Module):
        def forward(self, x):
            return nn.functional.relu(x) + x

    class OwnReLU(nn.ReLU):
        pass

    assert [type(node) for node in nodes_of(Own())] == [Apply, Add]
    (node,) = nodes_of(OwnReLU())
    assert isinstance(node.activation, ReLU)
    relu, add = nodes_of(nn.ReLU(), nn.Residual(nn.Sequential()))
    assert add.inputs == (relu.y, relu.y)
    (node,) = nodes_of(broken(nn.Softmax(), forward=lambda x: nn.functional.relu(x)))
    assert isinstance(node.activation, ReLU)


class Square(nn.Module):
    def forward(self, x):
        return x * x

    def backward(self, dy):
        return dy


def broken(layer, **attributes):
    for name, value in attributes.items():
        setattr(layer, name, value)
    return layer


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([Square()], "Square has a backward of its own"),
        ([broken(nn.ReLU(), forward=lambda x: x)], "only changes shapes"),
        ([nn.Residual(broken(nn.ReLU(), backward=lambda dy: dy))], "ReLU has a backward of its own"),
        ([nn.Flatten()], "only changes shapes"),
        ([nn.Flatten(2)], "a model that only changes shapes"),
        ([nn.Flatten(), nn.BatchNorm2d(144)], r"BatchNorm2d: x must be \(N, C, H, W\)"),
        ([nn.Conv1d(3, 2, 1)], "conv1d: x must be 2-D or 3-D"),
        ([nn.Conv2d(4, 2, 1)], "conv2d: x has 3 channels but weight expects 4"),
        ([broken(nn.Conv2d(3, 4, 1), weight=None)], "conv2d: weight must be a NumPy array, got NoneType"),
        ([broken(nn.Conv2d(3, 4, 1), groups=3)], "conv2d: 4 output channels do not divide into 3 groups"),
        (
            [broken(nn.Conv2d(3, 4, 1), bias=nn.Parameter(np.zeros(5, np.float32)))],
            "conv2d: bias must",
        ),
        ([nn.BatchNorm2d(4)], "batch_norm: weight must have the shape"),
        ([broken(nn.BatchNorm2d(3), eps=-1.0)], "without a number for eps or momentum"),
        ([broken(nn.BatchNorm2d(3), momentum="fast")], "without a number for eps or momentum"),
        ([broken(nn.GroupNorm(1, 3), eps=-1.0)], "without a number for eps"),
        ([broken(nn.BatchNorm2d(3), running_var=np.ones(3))], "a running_var that is not a float32 array"),
        ([broken(nn.BatchNorm2d(3), running_var=np.ones(6, np.float32)[::2])], "not contiguous"),
        ([broken(nn.Dropout(0.5), p=1.5)], "Dropout with p=1.5"),
        ([broken(nn.MaxPool2d(2), padding=2)], "padding may be at most half of the kernel"),
        ([broken(nn.MaxPool2d(2), ceil_mode=1)], "ceil_mode must be a bool, got 1"),
        ([broken(nn.AvgPool2d(2), count_include_pad=None)], "count_include_pad must be a bool, got None"),
        ([nn.AdaptiveAvgPool2d((1, 2, 3))], "output_size must be an integer or a pair"),
        ([nn.Residual(nn.Conv2d(3, 4, 1))], "Residual: body turned the shape"),
        ([nn.DenseResidual(nn.MaxPool2d(2))], "DenseResidual: body turned the shape"),
        ([broken(nn.Linear(5, 5), weight=nn.Parameter(np.zeros((5, 5))))], "parameters of different types"),
    ],
)
def test_what_the_engine_leaves_to_eager_mode(layers, reason):
    with pytest.raises(FastcnnError, match=reason):
        nodes_of(*layers)


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 2, 9), nn.MaxPool2d(9), nn.AvgPool2d((3, 9))])
def test_a_window_larger_than_the_image_is_refused_as_in_eager_mode(layer):
    with pytest.raises(ShapeError) as lowered:
        nodes_of(layer)
    with pytest.raises(ShapeError) as eager:
        layer(np.zeros((1, 3, 8, 6), np.float32))
    assert str(lowered.value) == str(eager.value)


@pytest.mark.parametrize("shape", [(3, 0), (1, 3, 8, 6), (0,), (3, 0, 6)])
def test_shapes_that_are_no_samples(shape):
    with pytest.raises(UnsupportedError, match="samples of the shape"):
        lower(nn.Sequential(nn.ReLU()), shape)


def network():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3),
        nn.BatchNorm2d(2),
        nn.MaxPool2d(2),
        nn.AvgPool2d(1),
        nn.AdaptiveAvgPool2d(2),
        nn.Residual(nn.ReLU()),
        nn.ZeroPad2d(0),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(8, 3),
    )


def swap(model):
    model._modules["0"], model._modules["9"] = model[9], model[0]


CHANGES = {
    "stride": lambda m: setattr(m[0], "stride", (2, 2)),
    "padding": lambda m: setattr(m[0], "padding", "same"),
    "dilation": lambda m: setattr(m[0], "dilation", (2, 2)),
    "groups": lambda m: setattr(m[0], "groups", 2),
    "weight": lambda m: setattr(m[0], "weight", nn.Parameter(m[0].weight.data)),
    "shape of the weight": lambda m: setattr(m[0].weight, "data", np.zeros((2, 1, 2, 2), np.float32)),
    "no bias": lambda m: setattr(m[0], "bias", None),
    "type": lambda m: m.double(),
    "running mean": lambda m: setattr(m[1], "running_mean", np.zeros(2, np.float32)),
    "buffer": lambda m: m[1].register_buffer("running_var", np.ones(2, np.float32)),
    "momentum": lambda m: setattr(m[1], "momentum", None),
    "eps": lambda m: setattr(m[1], "eps", "small"),
    "statistics": lambda m: setattr(m[1], "track_running_stats", False),
    "kernel": lambda m: setattr(m[2], "kernel_size", (3, 3)),
    "ceil mode": lambda m: setattr(m[2], "ceil_mode", True),
    "divisor": lambda m: setattr(m[3], "divisor_override", 3),
    "counted": lambda m: setattr(m[3], "count_include_pad", False),
    "size": lambda m: setattr(m[4], "output_size", 1),
    "body": lambda m: setattr(m[5], "body", nn.Sequential()),
    "margin": lambda m: setattr(m[6], "padding", (1, 0, 0, 0)),
    "p": lambda m: setattr(m[7], "p", 0.25),
    "axes": lambda m: setattr(m[8], "start_dim", 2),
    "one more": lambda m: m.append(nn.ReLU()),
    "order": swap,
    "twice": lambda m: m.append(m[5]),
    "forward": lambda m: setattr(m[5].body, "forward", lambda x: x),
}


def structure(model):
    """Return what a trace depends on, or why there is none."""
    try:
        return trace(model, (1, 8, 8), True).structure
    except FastcnnError as error:
        return str(error)


@pytest.mark.parametrize("change", CHANGES)
def test_structure_tells_every_change_of_the_graph(change):
    model = network()
    before = structure(model)
    assert structure(model) == before
    CHANGES[change](model)
    assert structure(model) != before


def test_structure_is_the_same_for_other_values():
    model = network()
    before = structure(model)
    model.load_state_dict(network().state_dict())
    model[0].weight.data = np.ones((2, 1, 3, 3), np.float32)  # another array of this shape is looked up
    model[1].momentum, model[1].eps = 0.3, 1e-3  # read before each run
    model.reseed(3)
    model.eval()
    model[9].weight.requires_grad = False
    assert structure(model) == before
