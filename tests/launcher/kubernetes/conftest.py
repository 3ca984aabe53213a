"""The clusters that the launcher's contract is run against."""
from tests.kubernetes.fixtures import cluster, fake_cluster  # noqa: F401
