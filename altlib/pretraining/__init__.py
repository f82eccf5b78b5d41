"""How the miniature models are made."""
