"""What a backbone starts from: nothing, weights trained on ImageNet, or a file."""

import socket
import threading
import urllib.parse
import urllib.request
import warnings
from pathlib import Path

import keras

from maskmill.errors import ModelError
from maskmill.models.backbones import build_backbone, fetch_weights, find_backbone

PROBE_SECONDS = 5.0
ENDING = ".weights.h5"


def load_weights(network: keras.Model, name: str, weights: str) -> None:
    """Put weights into a backbone.

    Args:
        network: what `build_backbone(name)` returned.
        name: a key of BACKBONES.
        weights: `none` leaves the random ones, `imagenet` downloads, else the path of a `.weights.h5` file.

    Raises:
        ModelError: ImageNet's cannot be downloaded, or the file is absent or does not fit the backbone.
    """
    if weights == "none":
        return
    if weights == "imagenet":
        _load_imagenet(network, name)
    else:
        _load_file(network, name, Path(weights))


def download_weights(name: str, path: str | Path) -> None:
    """Download the ImageNet weights of a backbone into a file that `train.weights` can name, for a machine without network.

    Args:
        name: a key of BACKBONES.
        path: file to write, ending in `.weights.h5`.

    Raises:
        ModelError: they cannot be downloaded.
    """
    network = build_backbone(name)
    _load_imagenet(network, name)
    network.save_weights(path)


def _load_imagenet(network: keras.Model, name: str) -> None:
    backbone = find_backbone(name)
    fix = (
        "on a machine with network run\n"
        f"    python -c \"from maskmill.models.weights import download_weights; download_weights('{name}', '{name}{ENDING}')\"\n"
        f"  bring the file here and name it in train.weights; or set train.weights to none"
    )
    if not _is_reachable(backbone.host):
        raise ModelError(f"weights imagenet: {backbone.host}, which has them for {name}, cannot be reached from here", fix=fix)
    try:
        fetch_weights(network, name)
    except Exception as error:  # the libraries that download raise many kinds, down to Exception itself
        raise ModelError(f"weights imagenet: downloading those of {name} from {backbone.host} failed: {error}", fix=fix) from error


def _load_file(network: keras.Model, name: str, path: Path) -> None:
    expected = f"none, imagenet, or the path of a {ENDING} file of a {name} backbone"
    if not path.name.endswith(ENDING):
        raise ModelError(f"weights {path}: not the name of a weights file", expected=expected)
    if not path.is_file():
        raise ModelError(f"weights {path}: there is no such file", expected=expected)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Skipping")  # Keras only warns of layers left with random weights
            network.load_weights(path)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise ModelError(f"weights {path}: do not fit a {name} backbone: {error}", expected=expected) from error


def _is_reachable(host: str) -> bool:
    """Whether a connection to the host, or to the proxy in front of it, opens within PROBE_SECONDS."""
    proxy = urllib.request.getproxies().get("https")
    address = urllib.parse.urlsplit(proxy if proxy and "//" in proxy else f"//{proxy or host}")
    opened = threading.Event()

    def connect() -> None:
        try:
            with socket.create_connection((address.hostname, address.port or 443), timeout=PROBE_SECONDS):
                opened.set()
        except OSError:
            pass

    # In a thread, because looking a name up has no time limit of its own.
    probe = threading.Thread(target=connect, daemon=True)
    probe.start()
    probe.join(PROBE_SECONDS)
    return opened.is_set()
