"""Reading plots: their data, labels and legends."""
