"""Captions: decoded, reranked, and without any training."""
