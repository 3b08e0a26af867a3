"""Networks written as ONNX files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from ... import graph, nn
from ..._files import write_atomic
from ..._shapes import integer
from ..._version import __version__
from ...engine.tracing import Picture, UnsupportedError, picture
from ...errors import ArgumentError, DTypeError
from ...nn.sample import check_shapes, dtype_of
from ..library import library
from . import elements, norms, pools, products, resampling, shapes  # noqa: F401
from .preprocessing import Affine, affine
from .rules import rule_of
from .writer import Operand, Writer

__all__ = ["export"]

OLDEST = 9
# Protocol buffers, in which the format stands, hold less.
_MOST_BYTES = 2**31 - 1
_BATCH = "batch"


def export(
    model: nn.Module,
    path: str | PathLike[str],
    input_shape: Sequence[Any],
    *,
    opset: int = 18,
    dynamic_batch: bool = True,
    batch_size: int = 1,
    preprocess: Callable[[np.ndarray], np.ndarray] | None = None,
    input_dtype: Any = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a network as an ONNX file, as it predicts.

    Parameters and running statistics have their names in the state dict; values have float32 or float64, as
    the parameters. A file that exists is replaced when the new one is whole.

    Parameters
    ----------
    model : Module
    path : str or path
    input_shape : (C, H, W), (C, L) or (F,), or a sequence of those
        Shape of one sample, of each input.
    opset : int
        Version of the operators, from 9 to the newest that the installed onnx package knows.
    dynamic_batch : bool
        Whether the file takes any number of samples at once; else `batch_size`.
    batch_size : int
        At least 1.
    preprocess : callable, optional
        What is done to images before the network, to be done in the file: a scale and a shift of each pixel,
        as ``Trainer.preprocess`` is, such as `fastcnn.data.Normalize`.
    input_dtype : {"uint8", "float32"}, optional
        Type of the images that `preprocess` takes; uint8 by default.
    metadata : mapping of str to str, optional
        Notes that the file carries.

    Raises
    ------
    ImportError
        If the onnx package is not installed.
    ArgumentError
        If a part of the network has no form in ONNX; the message names it. Or if an argument is not right.
    ShapeError, DTypeError
        If an argument is not right, or the samples do not fit the network.
    OSError
        If the file cannot be written.
    """
    onnx = library()
    if not isinstance(model, nn.Module):
        raise DTypeError(f"onnx.export: model must be a Module, got {type(model).__name__}")
    newest = onnx.defs.onnx_opset_version()
    if integer(opset, "onnx.export: opset", 1) not in range(OLDEST, newest + 1):
        raise ArgumentError(f"onnx.export: opset must be from {OLDEST} to {newest}, got {opset}")
    given = check_shapes(input_shape, "onnx.export: input_shape", "a tuple such as (C, H, W)", 1)
    dtype = dtype_of(model)
    notes = dict(metadata or {})
    if not all(isinstance(each, str) for each in (*notes, *notes.values())):
        raise DTypeError(f"onnx.export: metadata must be texts by their names, got {metadata!r}")
    before = _preprocessing(preprocess, input_dtype, given, dtype)
    try:
        traced = picture(model, tuple(given), dtype, False)
    except UnsupportedError as error:
        raise ArgumentError(f"onnx.export: {error}, which no file can hold") from error
    batch = _BATCH if dynamic_batch else integer(batch_size, "onnx.export: batch_size", 1)
    content = _model(model, traced, opset, batch, before, notes).SerializeToString()
    write_atomic(path, content)


def _preprocessing(preprocess: Any, input_dtype: Any, given: Sequence[Any], dtype: np.dtype) -> Affine | None:
    """Return what is done to images before the network, None if nothing is."""
    if preprocess is None:
        if input_dtype is not None:
            raise ArgumentError(
                "onnx.export: input_dtype is that of the images that preprocess takes; give that"
            )
        return None
    if len(given) != 1:
        raise ArgumentError(f"onnx.export: preprocess needs a network with one input, got {len(given)}")
    return affine(preprocess, given[0], "uint8" if input_dtype is None else input_dtype, dtype)


def _model(
    model: nn.Module,
    traced: Picture,
    opset: int,
    batch: str | int,
    before: Affine | None,
    metadata: dict[str, str],
) -> Any:
    """Return a ModelProto."""
    onnx = library()
    helper, element = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(traced.dtype)
    places = {id(module): place for place, module in reversed([*model.named_modules()])}
    w = Writer(opset, traced.dtype, {id(each): name for name, each in _stored(model)})
    count = len(traced.input_shapes)
    names = [w.name("input" if count == 1 else f"input_{i + 1}") for i in range(count)]
    kinds = [element] * count if before is None else [helper.np_dtype_to_tensor_dtype(before.dtype)]
    inputs = [
        helper.make_tensor_value_info(name, kind, (batch, *shape))
        for name, kind, shape in zip(names, kinds, traced.input_shapes, strict=True)
    ]
    first = names if before is None else [before.write(w, names[0], element)]
    values = {
        i: Operand(name, (0, *shape))
        for i, (name, shape) in enumerate(zip(first, traced.input_shapes, strict=True))
    }
    for step in traced.steps:
        w.scope = places.get(id(step.scope), "")
        made = _written(w, step, values)
        values[step.outputs[0]] = Operand(made, (0, *step.shapes[0]))
    w.scope = ""
    outputs = [
        helper.make_tensor_value_info(
            w.node("Identity", values[number], name=w.name(name)), element, (batch, *values[number].shape[1:])
        )
        for name, number in _named(traced.form)
    ]
    body = helper.make_graph(w.nodes, type(model).__name__, inputs, outputs, w.initializers())
    whole = helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", opset)],
        producer_name="fastcnn",
        producer_version=__version__,
    )
    whole.ir_version = helper.find_min_ir_version_for(list(whole.opset_import))
    helper.set_model_props(whole, metadata)
    if whole.ByteSize() > _MOST_BYTES:
        raise ArgumentError(
            f"onnx.export: the network takes {whole.ByteSize() / 2**30:.1f} GiB, a file holds less than 2"
        )
    onnx.checker.check_model(whole, full_check=True)
    return whole


def _written(w: Writer, step: graph.Step, values: Mapping[int, Operand]) -> str:
    """Write the nodes of an operation, and return the name of what they make."""
    rule = None if len(step.outputs) != 1 else rule_of(step.operation)
    if rule is None:
        kind = "a backward of its own" if step.operation.runs_code else type(step.operation).__name__
        where = f"{w.scope} ({type(step.scope).__name__})" if w.scope else type(step.scope).__name__
        raise ArgumentError(f"onnx.export: {where}: {kind} has no form in ONNX files")
    operands = [_operand(w, each, values) for each in step.sources]
    return rule(w, step.operation, *operands, (0, *step.shapes[0]))


def _operand(w: Writer, source: Any, values: Mapping[int, Operand]) -> Operand | None:
    """Return what a rule is given for a value, a parameter, a number or nothing."""
    if source is None:
        return None
    if isinstance(source, nn.Parameter):
        return Operand(w.array(source.data), source.shape, source.data)
    if isinstance(source, int):
        return values[source]
    array = np.asarray(source, w.dtype)
    return Operand(w.constant(array), (), array)


def _stored(model: nn.Module) -> Iterator[tuple[str, np.ndarray]]:
    """Yield parameters and buffers with their names."""
    for name, parameter in model.named_parameters():
        yield name, parameter.data
    yield from model.named_buffers()


def _named(form: Any) -> Iterator[tuple[str, int]]:
    """Yield each output with its name: that of its key, its number, or "output" for a single one."""
    if isinstance(form, int):
        yield "output", form
        return
    items = form.items() if isinstance(form, dict) else enumerate(form, 1)
    for key, each in items:
        if each is None:
            continue
        prefix = key if isinstance(key, str) else f"output_{key}"
        for name, number in _named(each):
            yield (prefix if isinstance(each, int) else f"{prefix}.{name}"), number
