"""What precision a thread has within a block."""

import threading

import fastcnn
from fastcnn import _precision


def test_a_block_has_its_own_precision():
    assert not _precision.rounds()
    seen = []
    with _precision.within("medium"):
        assert _precision.rounds()
        with _precision.within("highest"):
            assert not _precision.rounds()
        with _precision.within(None):
            assert not _precision.rounds()
        thread = threading.Thread(target=lambda: seen.append(_precision.rounds()))
        thread.start()
        thread.join()
    assert seen == [False]
    assert fastcnn.get_float32_matmul_precision() == "high"
