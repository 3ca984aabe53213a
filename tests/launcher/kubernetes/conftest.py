"""The clusters that the launcher's contract is run against."""
from tests.kubernetes.fixtures import cluster, control_plane, fake_cluster, real_cluster  # noqa: F401
