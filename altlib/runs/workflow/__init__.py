"""The graph of chapters for Snakemake, on this machine and on clusters."""
