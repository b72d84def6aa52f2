"""A run's report.html, made from its files: what is in them, its rows, and the page."""
