"""Alt-text generation for social media: the library behind the book.

The packages, from the bottom up; each imports only from those named before it:

- ``checkpoints``: the miniature models that ship with the package.
- ``published``: the numbers and claims of the five works.
- ``core``: what all others build on, such as files, errors, cache keys, progress, statistics, pictures.
- ``miniworld``: the miniature social network that this project draws and writes.
- ``data``: posts on their way from a source to a corpus.
- ``models``: CLIP, language models, captioners, and what can be read and changed inside of them.
- ``evaluation``: scores of captions and of texts for a picture, studies with people, judges, the scoreboard.
- ``generation``: captions, decoded, reranked, or made without training.
- ``training``: captioners, from texts, preferences or rewards, and CLIPs that learn to prefer descriptions.
- ``analysis``: what models have learned.
- ``report``: the figures, plots and tables of the book.
- ``pretraining``: how the miniature models are made.
- ``runs``: from a parameter file to a rendered book.
- ``cli``: the command ``altlib``.
"""

__version__ = "0.1.0"
