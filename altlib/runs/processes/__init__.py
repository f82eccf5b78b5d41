"""The processes that chapters run in."""
