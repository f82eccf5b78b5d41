"""Scores: of captions, of texts for a picture, on transfer tasks, against the ratings of people."""
