"""The training loop, what happens beside it, and what comes out of it.

`Trainer` fits a model to a `fastcnn.data.Dataset`; callbacks log, keep the best weights and stop early;
`History` holds the figures of the epochs; `report` draws them; `save_weights` writes safetensors files;
`lr_find` searches for a learning rate.
"""

from . import metrics, report
from .averaging import EMA
from .callback import Callback
from .callbacks import (
    BestWeights,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
)
from .diagnostics import Diagnostics
from .divergence import StopOnNaN
from .history import History
from .interrupt import Terminated
from .logs import CSVLogger, JSONLines
from .lr_find import LRFindResult, lr_find
from .sampling import SampledAccuracy
from .tensorboard import TensorBoard
from .trainer import Trainer
from .weights import load_weights, read_metadata, save_weights

__all__ = [
    "EMA",
    "BestWeights",
    "CSVLogger",
    "Callback",
    "Diagnostics",
    "EarlyStopping",
    "History",
    "JSONLines",
    "LRFindResult",
    "LambdaCallback",
    "ModelCheckpoint",
    "SampledAccuracy",
    "StopOnNaN",
    "TensorBoard",
    "Terminated",
    "Trainer",
    "load_weights",
    "lr_find",
    "metrics",
    "read_metadata",
    "report",
    "save_weights",
]
