"""How Alembic reaches the database: through the connection it was handed or else the app's own engine, one transaction
for all revisions."""
from contextlib import nullcontext

from alembic import context
from flask import current_app

from servicex.models import Base, db
from servicex.models.base import PathList, UtcDateTime


def render_type(kind, item, autogen_context):
    """Write our column types as the plain ones they are in the database, so that old revisions never need our code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(item, PathList):
        return "sa.Text()"
    return False


def drop_empty(context_, revision, directives):
    """Write no revision file when nothing changed."""
    if getattr(context_.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []
        print("No changes in schema detected.")


def run():
    options = {**current_app.extensions["migrate"].configure_args, "render_item": render_type}
    options.setdefault("process_revision_directives", drop_empty)
    handed = context.config.attributes.get("connection")
    with nullcontext(handed) if handed is not None else db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()


run()
