"""Numbers and claims of the five works, as their tables and texts give them."""
