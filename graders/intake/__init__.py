"""Whatever was handed in, in whatever form, becomes a submission."""
