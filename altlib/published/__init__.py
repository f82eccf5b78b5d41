"""Numbers of the five papers, as their tables give them."""
