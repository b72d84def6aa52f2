"""Tasks, one per file; `registry.names("task")` lists them."""
