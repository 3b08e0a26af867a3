"""Let PyTorch export the networks that torchvision has too: ``python -m tests.oracle.make_exported``.

Both of its exporters write each. Of the files the graphs are kept, packed, without their weights: of those by
``torch.export`` they are the network's, by `zoo_weights`; the older exporter folds batch normalisations into
convolutions, so that its weights are drawn for the shapes in the file, and the answers are ONNX Runtime's.
It needs torch==2.13.0, onnxscript and onnxruntime.
"""

import gzip
import tempfile

import numpy as np
import onnx
import onnxruntime
import torch

from . import make_zoo, zoo_weights
from .exported import FOLDER, LR, TARGETS, filled, images_of

NAMES = (
    *("resnet18", "mobilenet_v2", "squeezenet1_1", "densenet121", "vgg11_bn", "efficientnet_b0"),
    "shufflenet_v2_x1_0",
)


def main() -> None:
    """Write all files, and the answers."""
    FOLDER.mkdir(exist_ok=True)
    answers = {}
    for name in NAMES:
        images = torch.from_numpy(images_of(name))
        model = make_zoo.NETWORKS[name][0]().eval()
        shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
        weights = zoo_weights.weights(shapes)
        model.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/model.onnx"
            batch = torch.export.Dim("batch")
            torch.onnx.export(
                model,
                (images,),
                path,
                dynamo=True,
                optimize=False,
                external_data=False,
                dynamic_shapes=({0: batch},),
            )
            _keep(path, f"{name}-export", set(weights))
            torch.onnx.export(model, images, path, dynamo=False, opset_version=17, input_names=["input"])
            whole = _keep(path, f"{name}-script", None)
            onnx.save(whole, path)
            session = onnxruntime.InferenceSession(path)
            answers[f"{name}-script"] = session.run(None, {"input": images.numpy()})[0]
        answers[f"{name}-export"], answers[f"{name}-step"] = _before_and_after(
            model.double(), images.double()
        )
    np.savez_compressed(FOLDER / "answers.npz", **answers)


def _keep(path: str, name: str, weights: set[str] | None) -> onnx.ModelProto:
    """Write a graph without weights, and return it with those that are drawn."""
    model = onnx.load(path)
    model.doc_string = ""
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for array in model.graph.initializer:
        own = weights is None or array.name in weights
        if own and len(array.dims) and array.data_type == onnx.TensorProto.FLOAT:
            for field in ("raw_data", "float_data"):
                array.ClearField(field)
    content = gzip.compress(model.SerializeToString(deterministic=True), mtime=0)
    (FOLDER / f"{name}.onnx.gz").write_bytes(content)
    return filled(model)


def _before_and_after(model: torch.nn.Module, images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits, and those after a step of training without dropout."""
    with torch.no_grad():
        before = model(images).numpy()
    for each in model.modules():
        if isinstance(each, torch.nn.Dropout):
            each.p = 0.0
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    torch.nn.functional.cross_entropy(model(images), torch.tensor(TARGETS)).backward()
    optimizer.step()
    with torch.no_grad():
        return before.astype(np.float32), model.eval()(images).numpy().astype(np.float32)


if __name__ == "__main__":
    main()
