"""Networks to be drawn, and pictures of random ones."""

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.nn.drawing.picture import Box, Frame, Net, Picture


class Block(nn.Module):
    """A residual block with a projection."""

    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False))

    def forward(self, x):
        return F.relu(self.bn1(self.conv1(x)) + self.shortcut(x))


class TwoInputs(nn.Module):
    """Takes an image and some numbers, of which one layer is used twice."""

    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
        self.facts = nn.Linear(5, 5)

    def forward(self, image, facts):
        twice = self.facts(self.facts(facts))
        return {"both": fastcnn.cat((self.image(image), twice), 1), "facts": twice}


class Own(nn.Module):
    """Has a backward of its own."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter([2.0, 3.0])
        self.inner = nn.ReLU()

    def forward(self, x):
        return self.inner(x) * self.scale.data[:, None, None]

    def backward(self, dy):
        return dy


class DenseBlock(nn.Module):
    """Every layer takes what all before it made."""

    def __init__(self, layers):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(2 + 2 * i, 2, 3, padding=1) for i in range(layers)])

    def forward(self, x):
        made = [x]
        for conv in self.convs:
            made.append(F.relu(conv(fastcnn.cat(made, 1))))
        return fastcnn.cat(made, 1)


def random_picture(rng, count):
    """Return a picture of so many boxes in random frames, with links over all distances."""
    root, boxes, nets = Frame(), [], []

    def add_box(frame):
        box = Box(f"Op{len(boxes)}", "conv", "n" * rng.randrange(8), "s" * rng.randrange(20), "1x2", "")
        frame.members.append(box)
        boxes.append(box)
        near = nets[-4:] if rng.random() < 0.7 else nets
        for net in [rng.choice(near) for _ in range(rng.choice([1, 1, 1, 2, 3]))] if nets else []:
            if box not in net.targets:
                net.targets.append(box)
        nets.extend(Net(box) for _ in range(rng.choice([1, 1, 1, 2])))

    def fill(frame, count, depth):
        while count > 0:
            if depth and count > 1 and rng.random() < 0.3:
                inner, part = Frame("Part", f"part{count}"), rng.randrange(1, count)
                fill(inner, part, depth - 1)
                frame.members.append(inner)
                count -= part
            else:
                add_box(frame)
                count -= 1

    fill(root, count, 3)
    return Picture("random", root, [net for net in nets if net.targets])
