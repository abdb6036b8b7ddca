from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension, UnaccentExtension
from django.db import migrations

SEARCH = """
CREATE TEXT SEARCH CONFIGURATION kith (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION kith ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple;
CREATE FUNCTION kith_fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT upper(public.unaccent('public.unaccent', $1)) $$;
CREATE TABLE core_cache (cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX core_cache_expires ON core_cache (expires);
"""
BACK = """
DROP TABLE core_cache;
DROP FUNCTION kith_fold(text);
DROP TEXT SEARCH CONFIGURATION kith;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [
        TrigramExtension(),
        UnaccentExtension(),
        BtreeGinExtension(),
        migrations.RunSQL(SEARCH, BACK),
    ]
