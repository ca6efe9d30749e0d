"""Who may read what: database roles, tokens."""
