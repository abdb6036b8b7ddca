"""Search documents get their scopes together with their month as one lexeme."""

from django.db import migrations

ADD = """
UPDATE conversations_searchdocument d SET vector = d.vector || array_to_tsvector(array(
    SELECT DISTINCT 'seen:' || k.scope_id || ':' || to_char(d.at AT TIME ZONE 'UTC', 'YYYYMM')
    FROM conversations_messagecopy k WHERE k.message_id = d.message_id))
"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0006_search_trigrams")]

    operations = [migrations.RunSQL(ADD, migrations.RunSQL.noop)]
