"""Train and run small convolutional networks on CPUs.

``fastcnn.ops`` holds pure functions on NumPy arrays, ``fastcnn.nn`` layers, ``fastcnn.optim`` optimizers and
schedules, ``fastcnn.data`` data sets and augmentation, ``fastcnn.zoo`` ready networks, ``fastcnn.Trainer``
the training loop, ``fastcnn.onnx`` reads and writes ONNX files, ``fastcnn.sklearn`` has estimators for
scikit-learn, and ``fastcnn.compile`` makes a model fast in loops of your own. Submodules are imported when
they are first used.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from ._slots import predict as _predict
from ._version import __version__

if TYPE_CHECKING:
    from . import data, engine, errors, graph, nn, onnx, ops, optim, recipes, testing, training, zoo
    from . import sklearn as sklearn
    from ._config import (
        get_flush_denormal,
        get_num_threads,
        set_flush_denormal,
        set_num_threads,
        show_config,
    )
    from .engine import (
        compile,
        get_conv_algorithm,
        get_float32_matmul_precision,
        set_conv_algorithm,
        set_float32_matmul_precision,
    )
    from .nn.functional import cat, clamp, exp, flatten, relu, sigmoid, softmax, sqrt, tanh
    from .nn.init import manual_seed
    from .training import History, Trainer, load_weights, save_weights

_SUBMODULES = (
    "data",
    "engine",
    "errors",
    "graph",
    "nn",
    "onnx",
    "ops",
    "optim",
    "recipes",
    "sklearn",
    "testing",
    "training",
    "zoo",
)
_NAMES = {
    "compile": ".engine",
    "get_conv_algorithm": ".engine",
    "get_float32_matmul_precision": ".engine",
    "set_conv_algorithm": ".engine",
    "set_float32_matmul_precision": ".engine",
    "get_flush_denormal": "._config",
    "get_num_threads": "._config",
    "set_flush_denormal": "._config",
    "set_num_threads": "._config",
    "show_config": "._config",
    "manual_seed": ".nn.init",
    "cat": ".nn.functional",
    "clamp": ".nn.functional",
    "exp": ".nn.functional",
    "flatten": ".nn.functional",
    "relu": ".nn.functional",
    "sigmoid": ".nn.functional",
    "softmax": ".nn.functional",
    "sqrt": ".nn.functional",
    "tanh": ".nn.functional",
    "History": ".training",
    "Trainer": ".training",
    "load_weights": ".training",
    "save_weights": ".training",
}

__all__ = [
    "History",
    "Trainer",
    "__version__",
    "cat",
    "clamp",
    "compile",
    "data",
    "engine",
    "errors",
    "exp",
    "flatten",
    "get_conv_algorithm",
    "get_float32_matmul_precision",
    "get_flush_denormal",
    "get_num_threads",
    "graph",
    "load_weights",
    "manual_seed",
    "nn",
    "onnx",
    "ops",
    "optim",
    "recipes",
    "relu",
    "save_weights",
    "set_conv_algorithm",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_threads",
    "show_config",
    "sigmoid",
    "softmax",
    "sqrt",
    "tanh",
    "testing",
    "training",
    "zoo",
]


_predict.fill(lambda: _import_module(".engine.predict", __name__).predict)


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return _import_module(f".{name}", __name__)
    if name in _NAMES:
        value = getattr(_import_module(_NAMES[name], __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_NAMES} - {"TYPE_CHECKING"})
