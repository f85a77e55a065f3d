"""The tables of ``sql/schema.sql``, as migrations."""
