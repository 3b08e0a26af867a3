"""A short run of tests/fuzzing: every reader on some hundred mutations of good files."""

import warnings

import numpy as np
import pytest

from .fuzzing.targets import attempt, targets

TARGETS = targets()
INPUTS = 100


@pytest.mark.parametrize("name", TARGETS)
def test_readers_return_or_raise_an_error_that_names_the_file(name, tmp_path):
    target, rng = TARGETS[name], np.random.default_rng(list(TARGETS).index(name))
    if name not in ("tar", "tar.gz"):  # a good one has 180 MB
        assert any([attempt(target, seed, str(tmp_path)) for seed in target.seeds])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of what it skips
        for _ in range(INPUTS):
            attempt(target, target.change(target.seeds, rng), str(tmp_path))
