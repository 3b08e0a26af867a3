"""fastcnn as a backend of the onnx package's own tests."""

import os
import tempfile
import warnings

import numpy as np
import onnx as library
from onnx.backend.base import Backend, BackendRep

import fastcnn
from fastcnn import onnx
from fastcnn.errors import FastcnnError
from fastcnn.onnx.loading.folding import is_folded


class Prepared(BackendRep):
    """A file of which it is not yet known which of its inputs are weights."""

    def __init__(self, model):
        self._model = model

    def run(self, inputs, **kwargs):
        """Return the outputs.

        In tests of single nodes weights are inputs too. All but the first input are made arrays of the file;
        where no network is like that, for example the sum of two values, all of floats stay inputs.
        """
        arrays = {each.name for each in self._model.graph.initializer}
        entries = [each for each in self._model.graph.input if each.name not in arrays]
        floats = [i for i, each in enumerate(inputs) if each.dtype.kind == "f"]
        before = fastcnn.get_float32_matmul_precision()
        fastcnn.set_float32_matmul_precision("highest")
        try:
            return self._tried(entries, inputs, floats)
        finally:
            fastcnn.set_float32_matmul_precision(before)

    def _tried(self, entries, inputs, floats):
        try:
            return self._outputs(entries, inputs, [0])
        except FastcnnError as error:
            if floats in ([], [0]):
                raise
            try:
                return self._outputs(entries, inputs, floats)
            except FastcnnError:
                raise error from None

    def _outputs(self, entries, inputs, kept):
        model = library.ModelProto()
        model.CopyFrom(self._model)
        for i, entry in enumerate(entries):
            if i not in kept:
                model.graph.input.remove(entry)
                model.graph.initializer.append(library.numpy_helper.from_array(inputs[i], entry.name))
        given = tuple(inputs[i] for i in kept)
        shapes = [each.shape[1:] for each in given]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            library.save(model, path)
            network = onnx.load(path, shapes[0] if len(shapes) == 1 else shapes)
        wanted = given[0].dtype
        given = tuple(each.astype(np.float32) if wanted == np.float16 else each for each in given)
        made = network.predict(given[0] if len(given) == 1 else given)
        return [each.astype(wanted) for each in (made.values() if isinstance(made, dict) else [made])]


class FastcnnBackend(Backend):
    """Runs files on the CPU, in float32 by sums of products alone."""

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        """Return what runs a model."""
        return Prepared(model)

    @classmethod
    def supports_device(cls, device):
        """Whether there is such a device."""
        return device == "CPU"


def known_tests():
    """Return the package's tests by name, those of nodes and networks of operators that are known."""
    from onnx.backend.test import BackendTest

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numbers that the package makes
        items = BackendTest(FastcnnBackend, __name__)._test_items
    kinds = {
        "node": "NodeModel",
        "simple": "SimpleModel",
        "pytorch-converted": "PyTorchConvertedModel",
        "pytorch-operator": "PyTorchOperatorModel",
    }
    found = {}
    for kind, category in kinds.items():
        for case in _cases(kind):
            model = case.model or library.load(os.path.join(case.model_dir, "model.onnx"))
            operators = {node.op_type for node in model.graph.node}
            own = operators & set(onnx.operators())
            if own and all(each in own or each == "Constant" or is_folded(each) for each in operators):
                found[case.name] = items[category][f"{case.name}_cpu"].func
    return found


def _cases(kind):
    from onnx.backend.test import loader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return loader.load_model_tests(kind=kind)
