"""The same work done with what people use today; each module is a program that writes one JSON report."""
