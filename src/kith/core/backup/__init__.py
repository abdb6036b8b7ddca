"""Backups: one file that holds everything, and the way back from it.

The file is a ZIP: `manifest.json` (versions, migrations, row counts, SHA-256 of every other member), `tables/<name>`
(PostgreSQL's COPY text, all from one snapshot), `blobs/<digest>`, and `keys` (encrypted with a passphrase, or left out).
COPY rather than pg_dump, because the same file then goes into any PostgreSQL from 15 on, over TLS as well.
"""
