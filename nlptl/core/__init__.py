"""What every room may import: settings, records, protocols, the registry, errors and checks."""
