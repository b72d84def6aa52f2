"""How baselines that read words choose their hyperparameters."""

from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

Weights = csr_matrix
"""TF-IDF weights, sparse (rows, terms)."""
N_FOLDS = 3
N_CHOOSING = 5000  # most rows for choosing hyperparameters
