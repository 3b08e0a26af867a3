"""How estimators that work at the same time share the threads of a process, and what signals do to them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading

import joblib
import pytest
from sklearn.model_selection import cross_val_score

import fastcnn
from fastcnn.sklearn import CNNClassifier
from fastcnn.sklearn.threads import shared_threads
from fastcnn.training import Callback


class Notes(Callback):
    """Writes a file with the number of threads that each training has."""

    def __init__(self, folder):
        self.folder = folder

    def on_epoch_end(self, trainer, epoch, row):
        name = f"{os.getpid()}-{threading.get_ident()}-{epoch}"
        (self.folder / name).write_text(str(fastcnn.get_num_threads()))

    def read(self):
        return {int(path.read_text()) for path in self.folder.iterdir()}


@pytest.fixture
def eight():
    before = fastcnn.get_num_threads()
    fastcnn.set_num_threads(8)
    yield
    fastcnn.set_num_threads(before)


def test_those_that_work_at_the_same_time_share(eight):
    with shared_threads(None):
        assert fastcnn.get_num_threads() == 8
        with shared_threads(None), shared_threads(None):
            assert fastcnn.get_num_threads() == 2  # a third, of which there are whole ones
        assert fastcnn.get_num_threads() == 8
        with shared_threads(1):
            assert fastcnn.get_num_threads() == 1
    assert fastcnn.get_num_threads() == 8


def test_a_number_that_is_set_meanwhile_stays(eight):
    with shared_threads(3):
        assert fastcnn.get_num_threads() == 3
        fastcnn.set_num_threads(5)
    assert fastcnn.get_num_threads() == 5


def test_there_is_one_thread_at_least(eight):
    fastcnn.set_num_threads(1)
    with shared_threads(None), shared_threads(None):
        assert fastcnn.get_num_threads() == 1


def test_a_limit_of_ones_own(rows, eight, tmp_path):
    model = CNNClassifier(max_iter=1, n_threads=3, callbacks=[Notes(tmp_path)]).fit(*rows)
    assert Notes(tmp_path).read() == {3}
    assert fastcnn.get_num_threads() == 8
    model.set_params(n_threads=2000).fit(*rows)


def test_processes_of_joblib_have_a_share_of_the_cores(rows, tmp_path):
    model = CNNClassifier(max_iter=1, callbacks=[Notes(tmp_path)])
    cross_val_score(model, *rows, cv=4, n_jobs=2)
    assert Notes(tmp_path).read() == {max(1, joblib.cpu_count() // 2)}


def test_threads_of_joblib_share(rows, eight, tmp_path):
    both = threading.Barrier(2, timeout=30)
    seen = []

    class Meets(Callback):
        def __deepcopy__(self, memo):
            return self

        def on_epoch_end(self, trainer, epoch, row):
            both.wait()
            seen.append(fastcnn.get_num_threads())
            both.wait()

    with joblib.parallel_config(backend="threading"):
        cross_val_score(CNNClassifier(max_iter=1, callbacks=[Meets()]), *rows, cv=2, n_jobs=2)
    assert seen == [4, 4]
    assert fastcnn.get_num_threads() == 8


def _in_a_pool(queue):
    with shared_threads(None):
        queue.put(fastcnn.get_num_threads())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_of_a_pool_has_one_thread(eight):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    for daemon, expected in ((True, 1), (False, 8)):
        with shared_threads(None), shared_threads(None):
            child = context.Process(target=_in_a_pool, args=(queue,), daemon=daemon)
            child.start()
            assert queue.get() == expected
            child.join()


def test_ctrl_c_goes_on_and_leaves_what_was_learned(rows):
    class Interrupts(Callback):
        def on_epoch_end(self, trainer, epoch, row):
            if epoch == 2:
                signal.raise_signal(signal.SIGINT)

    model = CNNClassifier(callbacks=[Interrupts()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(*rows)
    assert model.n_iter_ == 2
    assert model.predict(rows[0]).shape == (150,)


def test_sigterm_ends_the_process_as_without_a_trainer():
    code = """
import signal
from fastcnn.sklearn import CNNClassifier
from fastcnn.training import Callback

class Terminates(Callback):
    def on_epoch_end(self, trainer, epoch, row):
        signal.raise_signal(signal.SIGTERM)

CNNClassifier(callbacks=[Terminates()]).fit([[0.0], [1.0]], [0, 1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGTERM
    assert not done.stderr
