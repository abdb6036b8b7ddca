from django.db import migrations, models

LANGUAGES = """
UPDATE conversations_conversationscope cs SET language = found.language FROM (
    SELECT DISTINCT ON (t.conversation_id, t.scope_id) t.conversation_id, t.scope_id,
           left(lower(split_part(m.language, '-', 1)), 8) AS language
    FROM conversations_thread t JOIN conversations_messagecopy k ON k.thread_id = t.id
    JOIN conversations_message m ON m.id = k.message_id
    WHERE m.direction = 'in' AND m.language <> ''
    ORDER BY t.conversation_id, t.scope_id, k.at DESC
) found WHERE found.conversation_id = cs.conversation_id AND found.scope_id = cs.scope_id
"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0007_search_scope_months")]
    operations = [
        migrations.AddField(
            model_name="conversationscope",
            name="language",
            field=models.CharField(default="", db_default="", max_length=8),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state__in", ["held", "failed", "unknown"])),
                fields=["-at"],
                name="message_unsent",
            ),
        ),
        migrations.RunSQL(LANGUAGES, migrations.RunSQL.noop),
    ]
