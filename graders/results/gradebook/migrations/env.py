"""Alembic's entry: migrate over the connection that it is given."""

from __future__ import annotations

from alembic import context

from graders.results.gradebook.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
