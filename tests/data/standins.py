"""Stand-ins that behave as what PyTorch, torchvision and Hugging Face have; the tests need none of them."""

import numpy as np
from PIL import Image


class Device:
    def __init__(self, kind):
        self.type = kind


class Tensor:
    """An array as PyTorch has it."""

    def __init__(self, array, requires_grad=False, device="cpu"):
        self._array = np.asarray(array)
        self.requires_grad, self.device = requires_grad, Device(device)
        self.shape, self.dtype = self._array.shape, f"torch.{self._array.dtype}"

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad or self.device.type != "cpu":
            raise RuntimeError("Can't call numpy() on this tensor.")
        return self._array

    def __len__(self):
        return len(self._array)

    def __getitem__(self, index):
        return Tensor(self._array[index])


class Eager:
    """A tensor that has `numpy` alone."""

    def __init__(self, array):
        self._array = np.asarray(array)
        self.shape = self._array.shape

    def numpy(self):
        return self._array


class Vision:
    """A data set of torchvision: pictures and numbers, or what transforms make of them."""

    classes = ("dark", "light")

    def __init__(self, images, labels, transform=None):
        self.images, self.labels, self.transform = images, labels, transform
        self.read = []

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        self.read.append(index)
        image = Image.fromarray(self.images[index])
        return image if self.transform is None else self.transform(image), int(self.labels[index])


class Part:
    """A `torch.utils.data.Subset`."""

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, index):
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices):
        return [self[index] for index in indices]


class BatchesOf:
    """A DataLoader: an iterable of lists of tensors, with a length and the data set."""

    def __init__(self, dataset, batch_size):
        self.dataset, self.batch_size = dataset, batch_size
        self.passes = 0

    def __len__(self):
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self):
        self.passes += 1
        for start in range(0, len(self.dataset), self.batch_size):
            items = [self.dataset[i] for i in range(start, min(start + self.batch_size, len(self.dataset)))]
            images = np.stack([np.array(image) for image, _ in items])[:, None]
            yield [Tensor(images), Tensor([label for _, label in items])]


class ClassLabel:
    def __init__(self, names):
        self.names = names


# What Hugging Face calls its feature of pictures; Pillow has the same name for them.
ImageFeature = type("Image", (), {})


class Faces:
    """A `datasets.Dataset`: dicts, with features that say what they are."""

    def __init__(self, dataset):
        self.items = dataset
        self.features = {"pic": ImageFeature(), "kind": ClassLabel(["dark", "light"]), "label": object()}

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        image, label = self.items[index]
        return {"pic": image, "kind": label, "label": 7}


class Stream:
    """A `datasets.IterableDataset`: samples in an order that follows from the epoch."""

    def __init__(self, dataset, shuffled=False):
        self.items, self.shuffled, self.epoch = dataset, shuffled, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        order = np.arange(len(self.items))
        if self.shuffled:
            order = np.random.default_rng(self.epoch).permutation(order)
        for index in order:
            image, label = self.items[int(index)]
            yield {"image": image, "label": label}


def squares(count=20, size=6, seed=0):
    """Return grey images, uint8 (count, size, size), and whether each is lighter than the middle, int64."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, size, size)).astype(np.uint8)
    return images, (images.mean((1, 2)) > 127).astype(np.int64)
