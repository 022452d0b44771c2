"""Results and grades in the formats of other systems, a module for each; student text in them stays text."""
