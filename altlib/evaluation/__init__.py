"""Scores of captions and of texts for a picture, studies with people, judges, and the scoreboard of all claims."""
