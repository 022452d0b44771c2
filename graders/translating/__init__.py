"""Catalogues of translations are made and kept up to date: what there is to translate, and what is translated."""
