"""ConvNeXt as torchvision has it, in plain PyTorch; see `torchvision_networks`."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class Permute(nn.Module):
    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return torch.permute(x, self.dims)


class CNBlock(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            *(nn.Conv2d(dim, dim, 7, padding=3, groups=dim), Permute((0, 2, 3, 1))),
            *(nn.LayerNorm(dim, 1e-6), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)),
            Permute((0, 3, 1, 2)),
        )
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer_scale * self.block(x) + x


class ConvNeXt(nn.Module):
    def __init__(self, settings: tuple[tuple[int, int | None, int], ...], classes: int) -> None:
        super().__init__()
        first = settings[0][0]
        layers: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, first, 4, 4), LayerNorm2d(first, 1e-6))]
        for inp, out, count in settings:
            layers.append(nn.Sequential(*(CNBlock(inp) for _ in range(count))))
            if out is not None:
                layers.append(nn.Sequential(LayerNorm2d(inp, 1e-6), nn.Conv2d(inp, out, 2, 2)))
        self.features, self.avgpool = nn.Sequential(*layers), nn.AdaptiveAvgPool2d(1)
        last = settings[-1][0]
        self.classifier = nn.Sequential(LayerNorm2d(last, 1e-6), nn.Flatten(1), nn.Linear(last, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))
