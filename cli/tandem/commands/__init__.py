"""Commands: each parses, calls the library, prints. Rules and SQL live in the library."""
