"""The report.html of a comparison and of a study, made from their files."""
