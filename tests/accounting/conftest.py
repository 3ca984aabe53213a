from tests.services.conftest import engine  # noqa: F401  # the same fixture
