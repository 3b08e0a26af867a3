"""What docs/data.md shows runs, with stand-ins where it imports what the tests do not need."""

import sys
from types import ModuleType

import numpy as np

from .. import documents
from .standins import BatchesOf, Faces, Vision, squares


class Pictures(Vision):
    """CIFAR-10 as torchvision has it, with few images."""

    classes = tuple("abcdefghij")

    def __init__(self, root, train, download=False):
        images = np.stack([squares(300, 32, seed)[0] for seed in range(3)], axis=-1)
        super().__init__(images, np.arange(300) % 10)


class Loader(BatchesOf):
    def __init__(self, dataset, batch_size, shuffle=False):
        super().__init__(dataset, batch_size)

    def __iter__(self):
        for images, labels in super().__iter__():
            yield np.asarray(images)[:, 0].transpose(0, 3, 1, 2), labels


def named(dataset):
    """Return the pictures as CIFAR-100 has them at Hugging Face."""
    faces = Faces(dataset)
    faces.features = {}
    faces.__class__ = type("Faces", (Faces,), {"__getitem__": _fine})
    return faces


def _fine(self, index):
    image, label = self.items[index]
    return {"img": image, "fine_label": label, "coarse_label": 0}


def test_its_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    modules = {
        "torchvision": {"datasets": type("datasets", (), {"CIFAR10": Pictures})},
        "datasets": {"load_dataset": lambda name, split: named(Pictures("", True))},
        "torch": {},
        "torch.utils": {},
        "torch.utils.data": {"DataLoader": Loader},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    names = documents.run_guide("data.md", 5)
    assert capsys.readouterr().out.splitlines()[0] == "('a', 'b') 300"
    assert len(names["trainer"].history) == 6
    assert names["named"].first().images.shape == (1, 3, 32, 32)
