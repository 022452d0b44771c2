"""The commands about a whole class: its gradebook, marks, exports and statistics."""
