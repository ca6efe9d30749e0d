"""Real people's calls, mapped to Tandem's feeds and billed. ``README.md`` tells how."""
