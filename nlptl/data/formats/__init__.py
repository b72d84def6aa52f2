"""File formats, one per file; `registry.names("format")` lists them."""
