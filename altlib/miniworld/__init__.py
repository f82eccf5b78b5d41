"""A miniature social network, drawn and written by this project for use without any download.

It is a teaching stand-in, not a sample of any real network. Module by module: ``lexicon``
(the words), ``scene`` (the facts), ``render`` (the pictures), ``writers`` (posts, captions
and alt text), ``network`` (posts with all the noise that cleaning must find).
"""
