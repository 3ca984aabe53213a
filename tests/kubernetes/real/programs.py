"""Where the programs of the real API server are once `build.py` has made them."""
from pathlib import Path

from tests.setup.places import kubernetes_folder

BUILT = ("kube-apiserver", "kube-controller-manager")
NAMES = ("etcd", *BUILT)


def program(name: str) -> Path:
    """The path of one of them."""
    return kubernetes_folder() / "bin" / name


def are_built() -> bool:
    """Whether all are there."""
    return all(program(name).exists() for name in NAMES)
