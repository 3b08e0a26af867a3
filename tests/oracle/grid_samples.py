"""What PyTorch's own tests have samples of, and fastcnn has too (`torch_samples` reads them)."""

# Layers and losses: those of module_db.
MODULES = [
    *("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d"),
    *("AvgPool2d", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "CELU", "CircularPad1d"),
    *("CircularPad2d", "ConstantPad1d", "ConstantPad2d", "Conv1d", "Conv2d", "ConvTranspose1d"),
    *("ConvTranspose2d", "CrossEntropyLoss", "ELU", "GELU", "GLU", "GaussianNLLLoss", "GroupNorm"),
    *("Hardshrink", "Hardswish", "Hardtanh", "HingeEmbeddingLoss", "HuberLoss", "InstanceNorm1d"),
    *("InstanceNorm2d", "KLDivLoss", "L1Loss", "LPPool1d", "LPPool2d", "LayerNorm", "LeakyReLU", "Linear"),
    *("LocalResponseNorm", "LogSigmoid", "LogSoftmax", "MSELoss", "MaxPool1d", "MaxPool2d", "Mish"),
    *("MultiMarginLoss", "NLLLoss", "PReLU", "PoissonNLLLoss", "ReLU", "ReLU6", "ReflectionPad1d"),
    *("ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d", "SELU", "SiLU", "Sigmoid", "SmoothL1Loss"),
    *("SoftMarginLoss", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh"),
    *("Tanhshrink", "Threshold", "ZeroPad1d", "ZeroPad2d"),
]
# Functions: those of op_db but the ones that draw.
FUNCTIONS = [
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"),
    *("avg_pool1d", "avg_pool2d", "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits"),
    *("cat", "celu", "channel_shuffle", "chunk", "clamp", "conv1d", "conv2d", "conv_transpose1d"),
    *("conv_transpose2d", "cross_entropy", "elu", "erf", "exp", "flatten", "gaussian_nll_loss", "gelu"),
    *("glu", "group_norm", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hinge_embedding_loss"),
    *("huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm", "leaky_relu"),
    *("linear", "local_response_norm", "log", "log_softmax", "logsigmoid", "max_pool1d", "max_pool2d"),
    *("mish", "mse_loss", "multi_margin_loss", "nll_loss", "pad", "pixel_shuffle", "pixel_unshuffle"),
    *("poisson_nll_loss", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "smooth_l1_loss"),
    *("soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "split", "sqrt"),
    *("tanh", "tanhshrink", "threshold"),
]
# Methods and operators of values.
METHODS = [
    *(
        "__getitem__",
        "__radd__",
        "__rdiv__",
        "__rmul__",
        "__rpow__",
        "__rsub__",
        "add",
        "amax",
        "div",
        "mean",
    ),
    *("mul", "neg", "permute", "pow", "reshape", "sub", "sum", "view"),
]
# Of the functions the losses, whose fused gradient is that of the loss itself, and of the input alone.
LOSSES = frozenset(
    name for name in FUNCTIONS if name.endswith("_loss") or "cross_entropy" in name or name == "kl_div"
)
