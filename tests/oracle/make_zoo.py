"""PyTorch's logits of the networks that torchvision has too, with the weights of `zoo_weights`."""

import numpy as np
import torch

from . import torchvision_convnext, zoo_weights
from . import torchvision_networks as networks

CLASSES = 100
# What makes each, and the options of `fastcnn.zoo.build` beside num_classes.
_CONVNEXT_TINY = ((96, 192, 3), (192, 384, 3), (384, 768, 9), (768, None, 3))
NETWORKS = {
    "convnext_tiny": (lambda: torchvision_convnext.ConvNeXt(_CONVNEXT_TINY, CLASSES), {}),
    "densenet121": (lambda: networks.DenseNet(32, (6, 12, 24, 16), 64, CLASSES), {}),
    "efficientnet_b0": (lambda: networks.EfficientNet(CLASSES), {}),
    "mobilenet_v2": (lambda: networks.MobileNetV2(CLASSES), {}),
    "resnet18": (lambda: networks.ResNet(networks.BasicBlock, (2, 2, 2, 2), CLASSES), {}),
    "resnet34": (lambda: networks.ResNet(networks.BasicBlock, (3, 4, 6, 3), CLASSES), {}),
    "resnet50": (lambda: networks.ResNet(networks.Bottleneck, (3, 4, 6, 3), CLASSES), {}),
    "shufflenet_v2_x1_0": (lambda: networks.ShuffleNetV2(CLASSES), {}),
    "squeezenet1_1": (lambda: networks.SqueezeNet(CLASSES), {}),
    # Of 4096 features the linear layers alone would have half a gigabyte of weights.
    "vgg11_bn": (lambda: networks.VGG(CLASSES, 64), {"hidden": 64}),
}


def entries() -> list[tuple[dict, dict[str, np.ndarray]]]:
    """Return a case for each network, with the shapes of its state dict and its logits."""
    found = []
    for name, (make, options) in NETWORKS.items():
        model = make().eval()
        shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
        weights = zoo_weights.weights(shapes)
        model.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})
        with torch.no_grad():
            logits = model.double()(torch.from_numpy(zoo_weights.images()).double()).numpy()
        args = {"num_classes": CLASSES, "options": options, "shapes": shapes}
        found.append(({"op": "zoo", "id": name, "args": args, "inputs": {}}, {"logits": logits}))
    return found
