"""What the five works claim, and where a run measures it: the data of the living index."""
