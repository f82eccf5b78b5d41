"""What every other package builds on: files, errors, cache keys, progress, processes, statistics, pictures."""
