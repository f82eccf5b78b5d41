"""What models have learned: prefixes as words, attributions of words, paths through a subspace."""
