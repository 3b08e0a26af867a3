"""Networks that were read, built: all sizes first, then layers and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import graph, nn
from .._arguments import short
from .._shapes import integer
from ..errors import DataError, FastcnnError, ShapeError
from ..nn.declaration import Shape
from .definition import Call, Definition, Layer, Nodes, Weight
from .graph_module import GraphModule, Step
from .layers import find
from .sizes import Sizes


def build_layers(
    layers: Definition | Sequence[Layer], input_shape: Sequence[Any], *, logits: bool = False
) -> nn.Module:
    """Make a network with fresh weights.

    Parameters
    ----------
    layers : sequence of Layer, or Nodes
        What `fastcnn.zoo.parse` returns.
    input_shape : (C, H, W), (C, L) or (F,)
        Shape of one sample; for a network with several inputs, one for each.
    logits : bool
        Leave out a Softmax at the end, as a network needs whose loss applies it.

    Returns
    -------
    Sequential, or for what is no chain another module

    Raises
    ------
    ShapeError
        If input_shape is no shape.
    DataError
        If a layer does not fit what comes before it, or all of it does not fit into memory; the message
        names the layer's place.
    """
    if isinstance(layers, Nodes):
        shapes = _shapes(input_shape, layers)
        return _graph(Sizes().nodes(_without_softmax(layers) if logits else layers, shapes))
    return build_chain(layers, input_shape, logits=logits)


def build_chain(
    layers: Sequence[Layer], input_shape: Sequence[int], *, logits: bool = False
) -> nn.Sequential:
    """Make a network that is a chain; see `build_layers`."""
    shape = _shape(input_shape)
    if logits and len(layers) > 1 and layers[-1].kind == "Softmax":
        layers = layers[:-1]
    whole, _ = Sizes().chain(layers, shape)
    return _sequential(whole)


def _shape(given: object) -> Shape:
    if not isinstance(given, tuple | list) or not 1 <= len(given) <= 3:
        raise ShapeError(f"input_shape must be (C, H, W), (C, L) or (features,), got {short(given)}")
    return tuple(integer(size, "input_shape", 1) for size in given)


def sample_shapes(given: Any) -> list[Shape]:
    """Return the shapes of samples, of which there may be one or a sequence."""
    several = (
        isinstance(given, tuple | list) and given and all(isinstance(each, tuple | list) for each in given)
    )
    return [_shape(each) for each in given] if several else [_shape(given)]


def _shapes(given: Any, network: Nodes) -> list[Shape]:
    count = len(network.inputs)
    if count == 1:
        return [_shape(given)]
    if not isinstance(given, tuple | list) or len(given) != count:
        raise ShapeError(
            f"input_shape must have a shape for each of {count} inputs ({', '.join(network.inputs)}), got "
            f"{short(given)}"
        )
    return [_shape(each) for each in given]


def _without_softmax(network: Nodes) -> Nodes:
    """Return a network that returns what went into the softmax at its end, if there is one."""
    number = network.output
    last = len(network.inputs) + len(network.nodes) - 1
    if number != last or len(network.nodes) < 2:
        return network
    node = network.nodes[-1]
    named = (
        node.what.kind if isinstance(node.what, Layer) else isinstance(node.what, Call) and node.what.function
    )
    if named not in ("Softmax", "softmax"):
        return network
    return network._replace(nodes=network.nodes[:-1], output=node.sources[0])


def _sequential(layers: Sequence[Layer]) -> nn.Sequential:
    names = (str(index) if layer.name is None else layer.name for index, layer in enumerate(layers))
    return nn.Sequential(dict(zip(names, map(_make, layers), strict=True)))


def _make(layer: Layer) -> nn.Module:
    bodies = {
        key: _make(body) if isinstance(body, Layer) else _sequential(body)
        for key, body in layer.bodies.items()
    }
    return find(layer.kind).make(**layer.arguments, **bodies)


def _graph(network: Nodes) -> GraphModule:
    """Make a network that is no chain; its sizes are known."""
    model, steps, places = GraphModule(network.inputs), [], {}
    for number, node in enumerate(network.nodes):
        if isinstance(node.what, Call):
            function = graph.FUNCTIONS[node.what.function]
            steps.append(Step(function.make(**node.what.settings), function.apply, node.sources))
            continue
        if isinstance(node.what, Weight):
            model.own(node.what, (str(node.name), *node.also))
            steps.append(Step(node.name, None, ()))
            continue
        if isinstance(node.what, Layer):
            places[number] = str(number) if node.name is None else node.name
            try:
                module = _make(node.what)
            except FastcnnError as error:
                raise DataError(f"{node.where}: {error}") from error
            for place in (places[number], *node.also):
                model.place(place, module)
        steps.append(Step(places[node.what if isinstance(node.what, int) else number], None, node.sources))
    model.follow(steps, network.output)
    return model
