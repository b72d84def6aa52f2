"""What the commands that read new data have in common."""

READING = ("text", "text_pair", "question", "context", "delimiter", "quoting", "sheet")
"""The fields of `DataConfig` that say how new data is read."""
