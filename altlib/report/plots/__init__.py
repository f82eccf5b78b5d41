"""Plots of the chapters: each function takes data frames and returns the figure to show, with alt text that says its numbers."""
