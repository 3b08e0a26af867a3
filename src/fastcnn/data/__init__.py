"""Data sets, their files, augmentation of whole batches, and the loader that feeds training.

``load("mnist")`` gives a training and a test `Dataset`; `split` takes a validation part from the first;
a `Loader` yields shuffled batches, augmented by ``transforms`` on a background thread.
"""

from . import formats, normalization, transforms
from .dataset import Dataset
from .datasets import load, names
from .loader import Loader
from .split import split, stratified_subset

__all__ = [
    "Dataset",
    "Loader",
    "formats",
    "load",
    "names",
    "normalization",
    "split",
    "stratified_subset",
    "transforms",
]
