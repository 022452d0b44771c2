"""The order in which hand-ins came, and what platforms call a student."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the tables."""
    op.add_column("students", sa.Column("known_as", sa.Text(), nullable=False, server_default=""))
    op.add_column("handins", sa.Column("turn", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE handins SET turn = id")
