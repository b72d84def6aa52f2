"""What `make gpu` runs beside the suite: the GPU's facts, the tests marked gpu, and made-up texts."""
