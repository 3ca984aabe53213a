from tests.services.conftest import engine, house  # noqa: F401  # the same fixtures
