"""Pictures of a training: curves, layers, confusion, images with what is made of them, filters, feature maps.

Each ``plot_`` function returns a matplotlib Figure, which needs neither a display nor pyplot, and writes it
as a PNG if it is given a path; notebooks show it. `ConfusionMatrix` is a table in text and notebooks.
`text_curves` and `text_chart` draw in a terminal and need nothing.
"""

from .confusion import plot_confusion
from .curves import plot_curves
from .features import plot_feature_maps, plot_filters
from .figure import new_figure
from .images import plot_mistakes, plot_predictions, probabilities
from .labels import plot_labels
from .layers import plot_layers
from .lr_find import plot_lr_find
from .masks import plot_masks
from .matrix import ConfusionMatrix
from .outputs import plot_outputs
from .regression import plot_regression
from .terminal import text_chart, text_curves

__all__ = [
    "ConfusionMatrix",
    "new_figure",
    "plot_confusion",
    "plot_curves",
    "plot_feature_maps",
    "plot_filters",
    "plot_labels",
    "plot_layers",
    "plot_lr_find",
    "plot_masks",
    "plot_mistakes",
    "plot_outputs",
    "plot_predictions",
    "plot_regression",
    "probabilities",
    "text_chart",
    "text_curves",
]
