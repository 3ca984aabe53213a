"""Database migrations: where they are, and how they are run."""
from pathlib import Path

from flask_migrate import Migrate

migrate = Migrate(render_as_batch=True, compare_type=True)


def migrations_folder() -> str:
    """Where the database migrations are: beside the package, or, when it was installed, in a package of their own."""
    beside = Path(__file__).parent.parent / "migrations"
    if (beside / "env.py").exists():
        return str(beside)
    import servicex_migrations  # exists only where it was installed
    return str(Path(servicex_migrations.__file__).parent)
