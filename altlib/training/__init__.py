"""Everything that learns: captioners, from texts, preferences or rewards, and CLIPs that come to prefer descriptions."""
