"""The reference experiments of steps 1-10, and the page that shows them beside the report's own numbers."""
