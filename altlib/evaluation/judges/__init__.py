"""Judges of alt text: language models, CLIPs, and the facts of drawn pictures, with one interface."""
