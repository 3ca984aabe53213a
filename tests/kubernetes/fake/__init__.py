"""A small Kubernetes API server for tests, with the controllers a launcher leans on; see `server.py`."""
from tests.kubernetes.fake.server import FakeKubernetes

__all__ = ["FakeKubernetes"]
