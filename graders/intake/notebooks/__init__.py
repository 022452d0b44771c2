"""Notebooks: their cells, which statements of them are kept, and the package that these become."""
