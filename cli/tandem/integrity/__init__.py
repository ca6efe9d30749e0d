"""What does not agree between carriers: reading exceptions, and telling those who can mend them."""
