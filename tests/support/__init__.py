"""What tests share: a real Postgres, a database each, the warehouse as a user drives it."""
