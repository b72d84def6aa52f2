"""One file an architecture; its name is listed by `registry.names("family")`."""
