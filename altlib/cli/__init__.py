"""The command `altlib`."""
