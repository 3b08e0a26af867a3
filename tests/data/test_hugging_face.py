"""The library of Hugging Face itself, where it is installed."""

import numpy as np
import pytest
from PIL import Image

from fastcnn.data import Batches, LazyDataset

from .standins import squares

datasets = pytest.importorskip("datasets")
IMAGES, LABELS = squares()


@pytest.fixture(scope="module")
def faces():
    features = datasets.Features(
        {"img": datasets.Image(), "kind": datasets.ClassLabel(names=["dark", "light"])}
    )
    pictures = [Image.fromarray(image) for image in IMAGES]
    return datasets.Dataset.from_dict({"img": pictures, "kind": LABELS.tolist()}, features=features)


@pytest.mark.parametrize("kind", [None, "numpy"])
def test_a_data_set(faces, kind):
    lazy = LazyDataset(faces.with_format(kind))
    assert lazy.classes == ("dark", "light")
    read = lazy.read(progress=False)
    np.testing.assert_array_equal(read.images[:, 0], IMAGES)
    np.testing.assert_array_equal(read.labels, LABELS)


def test_a_stream(faces):
    stream = faces.to_iterable_dataset()
    for source in (
        Batches(stream, batch_size=6),
        Batches(stream.batch(6), columns=("img", "kind")),
    ):
        made = list(source.batches())
        np.testing.assert_array_equal(np.concatenate([each[0] for each in made])[:, 0], IMAGES)
        np.testing.assert_array_equal(np.concatenate([each[1] for each in made]), LABELS)
    shuffled = Batches(stream.shuffle(seed=1, buffer_size=20), batch_size=20)
    orders = [next(shuffled.batches(epoch))[0] for epoch in (0, 1, 0)]
    np.testing.assert_array_equal(orders[0], orders[2])
    assert (orders[0] != orders[1]).any()
