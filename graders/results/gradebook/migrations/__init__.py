"""How the tables of a gradebook came to be, one step after another; alembic runs them."""
