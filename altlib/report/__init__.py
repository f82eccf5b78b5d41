"""Figures, plots and tables of the book."""
