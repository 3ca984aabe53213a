"""What the tests need beside Python packages: fetched by `make test`, found by the fixtures in `tests/conftest.py`."""
