"""The bench of a network behind HTTP: its clients ask, and its servers answer alike."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bench import serving
from fastcnn import get_num_threads, zoo

SHAPE = (1, 28, 28)


@pytest.fixture
def model():
    return zoo.build("compact-mnist").initialize(seed=0).eval()


def test_clients_ask_for_as_long_as_they_shall(model):
    predict = serving.ours(model, SHAPE, get_num_threads())
    with serving.Server(("127.0.0.1", 0), predict, "0123456789", SHAPE) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            times = serving.ask_for(server.server_port, 0, time.time(), 0.2)
            with ThreadPoolExecutor(2) as pool:
                turn = serving.take_turn(pool, 2, server.server_port, 0.2)
            client = serving.Client(server.server_port)
            with pytest.raises(AssertionError, match="expected images"):
                client.ask(serving.as_npy(np.zeros((1, 1, 2, 2), np.uint8)))
            client.close()
        finally:
            server.shutdown()
            thread.join()
    assert 0 < times.min() <= times.sum() < 0.4
    assert turn.rate > 5
    assert 0 < turn.half <= turn.most < 400


def test_both_predict_alike(model):
    pytest.importorskip("torch")
    images = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), dtype=np.uint8)
    made = [make(model, SHAPE, get_num_threads())(images) for make in (serving.ours, serving.theirs)]
    np.testing.assert_allclose(*made, rtol=1e-3, atol=1e-3)
