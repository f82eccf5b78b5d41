"""Everything that learns: captioners, and CLIPs that come to prefer descriptions."""
