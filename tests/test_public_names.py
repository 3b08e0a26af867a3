"""The names that others rely on: they exist, say what they do, and are listed."""

import importlib
import inspect
import re

import pytest

import fastcnn

OPS = [
    "conv2d",
    "conv_transpose2d",
    "conv_transpose1d",
    "conv1d",
    "prelu",
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool2d",
    "interpolate",
    "max_unpool2d",
    "pad",
    "dropout1d",
    "dropout2d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "batch_norm",
    "local_response_norm",
    "linear",
    "relu",
    "softmax",
    "log_softmax",
    "im2col",
    "col2im",
    "stochastic_depth",
]
# Those whose gradient is another one's.
MOVES = ["adaptive_max_pool2d", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "unflatten"]
LAYERS = [
    "Conv2d",
    "Linear",
    "BatchNorm2d",
    "ConvTranspose2d",
    "ConvTranspose1d",
    "Conv1d",
    "BatchNorm1d",
    "MaxPool1d",
    "AvgPool1d",
    "AdaptiveAvgPool1d",
    "AdaptiveMaxPool1d",
    "LPPool1d",
    "LPPool2d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "PReLU",
    "LocalResponseNorm",
    "InstanceNorm1d",
    "ReLU",
    "MaxPool2d",
    "AvgPool2d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "AlphaDropout",
    "FeatureAlphaDropout",
    "StochasticDepth",
    "LayerNorm2d",
    "Flatten",
    "Unflatten",
    "PixelShuffle",
    "PixelUnshuffle",
    "ChannelShuffle",
    "ReflectionPad2d",
    "ReplicationPad2d",
    "CircularPad2d",
    "ConstantPad2d",
    "ZeroPad1d",
    "ConstantPad1d",
    "ReflectionPad1d",
    "ReplicationPad1d",
    "CircularPad1d",
    "Upsample",
    "UpsamplingNearest2d",
    "UpsamplingBilinear2d",
    "Softmax",
    "LogSoftmax",
    "ZeroPad2d",
    "PositionBias",
    "Residual",
    "DenseResidual",
    "Sequential",
    "Identity",
    "ModuleList",
    "ModuleDict",
    "CrossEntropyLoss",
    "NLLLoss",
    "MSELoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MultiMarginLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
]
SCHEDULES = [
    "StepLR",
    "ExponentialLR",
    "CosineAnnealingLR",
    "OneCycleLR",
    "LinearLR",
    "SequentialLR",
    "ReduceLROnPlateau",
    "ConstantLR",
    "MultiStepLR",
    "PolynomialLR",
    "LambdaLR",
    "MultiplicativeLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ChainedScheduler",
]
OPTIMIZERS = [
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "NAdam",
    "RAdam",
    "Adamax",
    "Muon",
    "Lion",
    "Lookahead",
    "Combined",
]
AVERAGES = [
    "AveragedModel",
    "update_bn",
    "SWALR",
    "get_ema_multi_avg_fn",
    "get_swa_multi_avg_fn",
    "get_ema_avg_fn",
    "get_swa_avg_fn",
]
MODULE_METHODS = [
    "forward",
    "backward",
    "parameters",
    "named_parameters",
    "state_dict",
    "load_state_dict",
    "train",
    "eval",
    "predict",
    "summary",
    "draw_graph",
    "apply",
    "requires_grad_",
    "zero_grad",
    "add_module",
    "register_module",
    "register_parameter",
    "get_submodule",
    "get_parameter",
    "get_buffer",
]
NAMES = [
    *(f"ops.{name}" for name in OPS),
    *(f"ops.{name}_backward" for name in OPS),
    *(f"ops.{name}" for name in MOVES),
    "ops.cross_entropy",
    *(f"nn.{name}" for name in LAYERS),
    *(f"nn.Module.{name}" for name in MODULE_METHODS),
    "nn.Parameter",
    "nn.Parameter.data",
    *(f"optim.{name}" for name in OPTIMIZERS),
    *(f"optim.swa_utils.{name}" for name in AVERAGES),
    *(f"optim.lr_scheduler.{name}" for name in SCHEDULES),
    *(f"Trainer.{name}" for name in ("train_step", "fit", "evaluate")),
    "training.EMA",
    "training.report.ConfusionMatrix",
    "training.report.plot_outputs",
    "data.load",
    "data.Dataset.input_shape",
    "data.transforms.PerInput",
    *(
        f"data.transforms.{name}"
        for name in (
            "AlternatingFlip",
            "ColorJitter",
            "CutMix",
            "Cutout",
            "MixUp",
            "Moving",
            "RandAugment",
            "RandomGrayscale",
            "RandomResizedCrop",
            "RandomRotation",
            "RandomVerticalFlip",
            "Resize",
            "TrivialAugmentWide",
        )
    ),
    *(f"data.{name}" for name in ("compose_scenes", "concatenate", "k_fold", "k_fold_indices", "save")),
    "zoo.build",
    "zoo.check_output",
    *(f"onnx.{name}" for name in ("export", "load", "operators", "read_metadata")),
    *(f"sklearn.CNNClassifier.{name}" for name in ("fit", "partial_fit", "predict", "predict_proba")),
    *(f"sklearn.CNNRegressor.{name}" for name in ("fit", "partial_fit", "predict")),
    "compile",
    *(f"engine.CompiledModule.{name}" for name in ("backward", "parameters", "predict")),
    "set_num_threads",
    "get_num_threads",
    "show_config",
]
# PyTorch's argument order and defaults, and ours where it has no such name.
SIGNATURES = {
    "ops.conv2d": "(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)",
    "ops.max_pool2d": "(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False)",
    "ops.max_pool2d_backward": "(dy, argmax, input_shape)",
    "ops.cross_entropy": (
        "(logits, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0, *, "
        "sample_weight=None)"
    ),
    "nn.Module.predict": "(self, x, batch_size=256, *, engine=True, precision=None, tta=None)",
    "compile": "(model, *, input_gradient=False, precision=None, conv_algorithm=None)",
    "nn.Module.draw_graph": "(self, input_shape, path=None, *, name='')",
    "nn.Module.load_state_dict": "(self, state, strict=True)",
    "nn.CrossEntropyLoss": "(weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    "nn.BatchNorm2d": (
        "(num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, *, bias=True)"
    ),
    "nn.Upsample": (
        "(size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None)"
    ),
    "nn.Conv2d": (
        "(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, "
        "padding_mode='zeros')"
    ),
    "nn.ConstantPad2d": "(padding, value)",
    "nn.Unflatten": "(dim, unflattened_size)",
    "nn.BatchNorm1d": (
        "(num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True, *, bias=True)"
    ),
    "nn.Conv1d": (
        "(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, "
        "padding_mode='zeros')"
    ),
    "nn.ConvTranspose2d": (
        "(in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, "
        "bias=True, dilation=1, padding_mode='zeros')"
    ),
    "nn.PReLU": "(num_parameters=1, init=0.25)",
    "ops.conv_transpose2d": (
        "(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1)"
    ),
    "nn.Module.zero_grad": "(self, set_to_none=True)",
    "nn.Identity": "(*args, **kwargs)",
    "nn.ModuleList": "(modules=None)",
    "nn.ModuleDict": "(modules=None)",
    "nn.utils.clip_grad_norm_": "(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False)",
    "optim.RMSprop": (
        "(params, lr=0.01, alpha=0.99, eps=1e-08, weight_decay=0, momentum=0, centered=False, "
        "*, maximize=False)"
    ),
    "optim.Adagrad": (
        "(params, lr=0.01, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, "
        "*, maximize=False)"
    ),
    "optim.NAdam": (
        "(params, lr=0.002, betas=(0.9, 0.999), eps=1e-08, weight_decay=0, momentum_decay=0.004, "
        "decoupled_weight_decay=False, *, maximize=False)"
    ),
    "optim.Lion": "(params, lr=0.0001, betas=(0.9, 0.99), weight_decay=0.0, *, maximize=False)",
    "optim.Lookahead": "(optimizer, k=5, alpha=0.5)",
    "optim.swa_utils.AveragedModel": (
        "(model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False)"
    ),
    "optim.lr_scheduler.PolynomialLR": "(optimizer, total_iters=5, power=1.0, last_epoch=-1)",
    "nn.utils.clip_grad_value_": "(parameters, clip_value)",
}
PACKAGES = [
    "",
    "data",
    "engine",
    "nn",
    "nn.drawing",
    "nn.utils",
    "onnx",
    "ops",
    "optim",
    "optim.lr_scheduler",
    "optim.swa_utils",
    "recipes",
    "sklearn",
    "training",
    "training.metrics",
    "zoo",
]


def find(name):
    """Follow a dotted name from fastcnn."""
    value = fastcnn
    for part in name.split("."):
        value = getattr(value, part)
    return value


def listing_order(name):
    """Sort as the linter does: NAMES, then Names, then names."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", NAMES)
def test_name_exists_and_is_documented(name):
    value = find(name)
    summary = (inspect.getdoc(value) or "").split("\n")[0]
    assert re.fullmatch(r"[A-Z`_].{3,108}[.:]", summary), f"{name}: {summary!r} is no one-line summary"


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name):
    signature = inspect.signature(find(name))
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty) for parameter in signature.parameters.values()
    ]
    assert (
        str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)) == SIGNATURES[name]
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_true(package):
    module = importlib.import_module(f"fastcnn.{package}".rstrip("."))
    assert module.__doc__
    listed = module.__all__
    assert listed == sorted(set(listed), key=listing_order)
    for name in listed:
        assert hasattr(module, name), f"{module.__name__}.__all__ names {name}, which does not exist"
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__.startswith("fastcnn")
    }
    assert public <= set(listed), f"{module.__name__}.__all__ lacks {sorted(public - set(listed))}"


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_listed_is_documented(package):
    module = importlib.import_module(f"fastcnn.{package}".rstrip("."))
    for name in module.__all__:
        value = getattr(module, name)
        if callable(value) or inspect.ismodule(value):
            assert inspect.getdoc(value), f"{module.__name__}.{name} has no docstring"


def test_dir_shows_what_is_loaded_later():
    assert set(fastcnn.__all__) <= set(dir(fastcnn))


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="module 'fastcnn' has no attribute 'conv3d'"):
        _ = fastcnn.conv3d


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", fastcnn.__version__)
