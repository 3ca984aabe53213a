"""The clusters that the contract of the API server is run against."""
from tests.kubernetes.fixtures import cluster, control_plane, fake_cluster, real_cluster  # noqa: F401
