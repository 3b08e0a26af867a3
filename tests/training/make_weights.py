"""Let PyTorch write weights, and logits that they give. Run by hand from the root of the repository,

    python -m tests.training.make_weights            # writes torch.safetensors and torch_logits.json
    python -m tests.training.make_weights FILE       # compares the logits of a file that fastcnn wrote

with NumPy, safetensors and torch==2.13.0 installed.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ..oracle import recipe

FOLDER = Path(__file__).parent
IMAGES = {**recipe.uniform((5, 1, 12, 12)), "seed": 7}


class Block(nn.Module):
    """A convolution with its normalisation, for a nested name."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Network(nn.Module):
    """The network that test_weights builds with fastcnn."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Block(1, 4)
        self.body = nn.Sequential(Block(4, 6), nn.MaxPool2d(2), nn.Conv2d(6, 3, (1, 2), stride=(2, 1)))
        self.head = nn.Linear(45, 10)

    def forward(self, x):
        return self.head(self.body(self.stem(x)).flatten(1))


def main() -> None:
    """Write the files, or compare with one."""
    torch.manual_seed(0)
    network = Network()
    images = torch.from_numpy(recipe.make(IMAGES)).float()
    if len(sys.argv) > 1:
        network.load_state_dict(load_file(sys.argv[1]))
    else:
        for _ in range(3):
            network(images)  # moves the running statistics
        save_file(network.state_dict(), FOLDER / "torch.safetensors", metadata={"format": "pt"})
    with torch.no_grad():
        logits = network.eval()(images)
    path = FOLDER / "torch_logits.json"
    if len(sys.argv) > 1:
        expected = torch.tensor(json.loads(path.read_text(encoding="ascii")))
        print("largest difference of the logits:", float((logits - expected).abs().max()))
    else:
        path.write_text(json.dumps(logits.tolist()) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
