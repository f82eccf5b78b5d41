"""Alt-text generation for social media: the library behind the book.

Modules, in the order in which data passes: ``posts``, ``sources``, ``images``, ``cleaning``,
``duplicates``, ``miniworld``, ``backbones``, ``features``, ``captioner``, ``training``,
``decoding``, ``baselines``, ``metrics``, ``deembedding``, ``figures``, ``parameters``,
``runner``.
"""

__version__ = "0.1.0"
