"""From a parameter file to a rendered book."""
