"""A real cluster, by `make test-kubernetes`."""
from tests.kubernetes.fixtures import control_plane, real_cluster  # noqa: F401
