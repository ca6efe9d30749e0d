"""What tests share: a real Postgres, a database for each test, and the warehouse as a user drives it."""
