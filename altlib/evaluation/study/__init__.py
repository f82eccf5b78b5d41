"""Questions to people about texts, and their answers."""
