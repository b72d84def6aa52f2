"""How a pretrained model is adapted: one file a method, its name is listed by `registry.names("method")`."""
