"""The clusters that the contract of the API server is run against."""
from tests.kubernetes.fixtures import cluster, fake_cluster  # noqa: F401
