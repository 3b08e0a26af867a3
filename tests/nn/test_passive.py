"""Passes that leave no trace, watched and not."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import StateError
from fastcnn.nn import passive

from .networks import assert_untouched, fingerprint, images, network


def test_every_module_reports_its_pass_in_the_order_of_the_ends():
    model, met = network(), []
    y = passive.observe(model, images(), lambda module, x, out: met.append((module, x.shape, out)))
    body = model.block.body
    assert [module for module, _, _ in met] == [
        *(model.stem, *body, body, model.block, model.scale, model.flat, model.head, model)
    ]
    assert met[0][1] == (5, 2, 6, 6)
    assert met[-1][2] is y
    np.testing.assert_array_equal(y, model.predict(images(), engine=False))


def test_watching_leaves_no_trace():
    model = network()
    model(images())
    before = fingerprint(model)
    passive.observe(model, images(3), lambda *_: None)
    assert_untouched(model, before)


def test_watching_ends_with_an_error_and_with_the_pass():
    model, met = network(), []
    before = fingerprint(model)

    def refuse(*_):
        raise StateError("enough")

    with pytest.raises(StateError, match="enough"):
        passive.observe(model, images(), refuse)
    assert_untouched(model, before)
    model(images())  # nobody watches, and nothing is refused
    passive.observe(model, images(), lambda *_: met.append(1))
    count = len(met)
    model(images())
    assert len(met) == count


def test_a_watcher_may_watch_another_model():
    outer, inner, met = network(), network(), []

    def watch(module, x, y):
        if module is outer.head:
            passive.observe(inner, images(), lambda *_: met.append("inner"))
        met.append("outer")

    passive.observe(outer, images(), watch)
    assert met == ["outer"] * 9 + ["inner"] * 11 + ["outer"] * 2


def test_what_is_given_by_name_is_reported_too():
    class Inner(nn.Module):
        def forward(self, a, b=None):
            return a + b

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, a, b):
            return self.inner(a, b=b)

    met, a, b = [], np.ones((2, 3)), np.zeros((2, 3))
    passive.observe(Outer(), (a, b), lambda module, given, y: met.append(given))
    assert [[each is other for each, other in zip(given, (a, b), strict=True)] for given in met] == [
        [True, True],
        [True, True],
    ]
