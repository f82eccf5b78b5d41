"""A miniature social network, drawn and written by this project: a teaching stand-in, not a sample of any real network."""
