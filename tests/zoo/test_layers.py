"""Sizes as computed from a definition are those that the layers have when they run."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import nn, zoo
from fastcnn.errors import FastcnnError
from fastcnn.zoo.layers import BLOCKS, LAYERS

PADDING = st.one_of(
    st.integers(0, 3),
    st.lists(st.integers(0, 2), min_size=2, max_size=2),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
)
SIZE = st.one_of(st.integers(1, 4), st.lists(st.integers(1, 4), min_size=2, max_size=2))
WINDOW = {"kernel_size": SIZE, "stride": SIZE, "padding": PADDING}
LAYER = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("Conv2d"),
            "out_channels": st.integers(1, 4),
            "dilation": st.integers(1, 2),
            **WINDOW,
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("Conv2d"),
            "out_channels": st.just(2),
            "kernel_size": SIZE,
            "padding": st.just("same"),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("MaxPool2d"), "dilation": st.integers(1, 2), "ceil_mode": st.booleans(), **WINDOW}
    ),
    st.fixed_dictionaries({"type": st.just("AvgPool2d"), "ceil_mode": st.booleans(), **WINDOW}),
    st.fixed_dictionaries({"type": st.just("AdaptiveAvgPool2d"), "output_size": SIZE}),
    st.fixed_dictionaries({"type": st.just("ZeroPad2d"), "padding": PADDING}),
    st.fixed_dictionaries({"type": st.just("AdaptiveMaxPool2d"), "output_size": SIZE}),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["ReflectionPad2d", "ReplicationPad2d", "CircularPad2d"]),
            "padding": PADDING,
        }
    ),
    st.fixed_dictionaries({"type": st.just("PixelShuffle"), "upscale_factor": st.integers(1, 3)}),
    st.fixed_dictionaries({"type": st.just("PixelUnshuffle"), "downscale_factor": st.integers(1, 3)}),
    st.fixed_dictionaries({"type": st.just("ChannelShuffle"), "groups": st.integers(1, 3)}),
    st.fixed_dictionaries(
        {
            "type": st.just("Upsample"),
            "size": st.one_of(st.none(), SIZE),
            "scale_factor": st.one_of(st.none(), st.sampled_from([0.3, 1, 2, (1.5, 0.6)])),
            "mode": st.sampled_from(["nearest", "nearest-exact", "bilinear", "bicubic", "area"]),
            "align_corners": st.sampled_from([None, None, True, False]),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("Conv2d"),
            "out_channels": st.just(2),
            "kernel_size": SIZE,
            "padding": PADDING,
            "padding_mode": st.sampled_from(["reflect", "replicate", "circular"]),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("Flatten"), "start_dim": st.integers(-3, 3), "end_dim": st.integers(-3, 3)}
    ),
    st.fixed_dictionaries({"type": st.just("Linear"), "out_features": st.integers(1, 4)}),
    st.fixed_dictionaries({"type": st.sampled_from(["BatchNorm2d", "ReLU", "PositionBias", "Dropout"])}),
)


@given(st.lists(LAYER, min_size=1, max_size=4), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_a_network_that_is_built_runs(layers, height, width):
    try:
        model = zoo.from_dicts(layers, (2, height, width))
    except FastcnnError:
        # What is refused cannot run either, or is refused when it is made.
        return
    shape = model.eval()(np.zeros((1, 2, height, width), np.float32)).shape
    assert model.output_shape((3, 2, height, width)) == (3, *shape[1:])
    again = zoo.from_dicts(zoo.to_dicts(model), (2, height, width))
    assert repr(again) == repr(model)


@given(LAYER, st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_a_layer_is_refused_only_if_it_cannot_run(layer, height, width):
    """Behind the layer stands one whose size tells the shape that was computed."""
    shape = (2, height, width)
    arguments = {key: value for key, value in layer.items() if key != "type"}
    kind = layer["type"]
    sizes = {"Conv2d": (2,), "BatchNorm2d": (2,), "PositionBias": (shape,), "Linear": (2 * height * width,)}
    try:
        module = getattr(nn, kind)(*sizes.get(kind, ()), **arguments)
        x = np.zeros((1, *shape), np.float32)
        expected = module.eval()(x.reshape(1, -1) if kind == "Linear" else x).shape[1:]
    except FastcnnError:
        with pytest.raises(FastcnnError):
            zoo.from_dicts([layer], shape)
        return
    if kind == "Flatten" and 0 in (arguments["start_dim"] % 4, arguments["end_dim"] % 4):
        return  # A definition does not merge the batch.
    model = zoo.from_dicts([layer, {"type": "Flatten"}, {"type": "Linear", "out_features": 1}], shape)
    assert model[-1].in_features == np.prod(expected)


def test_the_table_has_all_layers_and_their_arguments():
    others = {name for name in nn.__all__ if name.endswith("Loss")} | {
        "Module",
        "Parameter",
        "functional",
        "init",
        "utils",
    }
    holders = {"ModuleDict", "ModuleList"}  # which have no passes
    of_two_tensors = {"MaxUnpool1d", "MaxUnpool2d"}  # a layer in a file takes one
    assert {*LAYERS, *BLOCKS} == set(nn.__all__) - others - holders - of_two_tensors
    for kind, layer in LAYERS.items():
        parameters = inspect.signature(layer.make).parameters
        unsaid = ("generator", "inplace")  # a file has none
        parameters = {key: value for key, value in parameters.items() if key not in unsaid}
        if kind == "Identity":
            parameters = {}  # it takes any, for nothing
        assert list(layer.arguments) == list(parameters), kind
        given = {
            key: value.default for key, value in parameters.items() if value.default is not inspect._empty
        }
        assert layer.defaults == given, kind
