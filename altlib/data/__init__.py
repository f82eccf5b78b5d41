"""Posts on their way from a source to a corpus: read, cleaned, without duplicates, split."""
