"""Programs that measure what reports, rankings and intervals are worth."""
