"""How files are read: one file a format; its name is listed by `registry.names("format")`."""
