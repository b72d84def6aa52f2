"""Many runs, or many models: compare, rank."""
