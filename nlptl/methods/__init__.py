"""Methods of adapting a pretrained model, one file each; `registry.names("method")` lists them."""
