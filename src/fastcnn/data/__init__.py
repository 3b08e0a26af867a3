"""Data sets, their files, augmentation of whole batches, and the loader that feeds training.

``load("mnist")`` gives a training and a test `Dataset`; `split` takes a validation part from the first;
a `Loader` yields shuffled batches, augmented by ``transforms`` on a background thread.
"""

from . import catalog, formats, normalization, transforms
from .batches import Batches
from .cache import cache_folder, fetch, verify
from .dataset import Dataset
from .datasets import load, load_parts, names
from .folds import concatenate, k_fold, k_fold_indices
from .lazy import LazyDataset
from .loader import Loader
from .npy import load_npy
from .pictures import read_picture
from .scenes import compose_scenes
from .source import Source
from .split import split, stratified_subset
from .writing import save

__all__ = [
    "Batches",
    "Dataset",
    "LazyDataset",
    "Loader",
    "Source",
    "cache_folder",
    "catalog",
    "compose_scenes",
    "concatenate",
    "fetch",
    "formats",
    "k_fold",
    "k_fold_indices",
    "load",
    "load_npy",
    "load_parts",
    "names",
    "normalization",
    "read_picture",
    "save",
    "split",
    "stratified_subset",
    "transforms",
    "verify",
]
