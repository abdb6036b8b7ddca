from django.db import migrations

_WROTE = """
UPDATE trust_situation s SET wrote_on = q.channels
FROM (SELECT sender_id, array_agg(DISTINCT CASE WHEN visibility = 'public' THEN 'public' ELSE %(channel)s END) AS channels
      FROM conversations_message WHERE network = %(network)s AND direction = 'in' AND sender_id IS NOT NULL GROUP BY 1) q
WHERE s.identity_id = q.sender_id
"""


def wrote_on(apps, schema_editor):
    """On which channels people wrote to us, as the gate names them: of what was stored before it asked."""
    from kith.networks.selectors import manifest_of
    from kith.trust.services import channel_of

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT network FROM networks_channelaccount")
        for (network,) in cursor.fetchall():
            manifest = manifest_of(network)
            channel = channel_of(manifest.medium if manifest else "", visibility="private")
            cursor.execute(_WROTE, {"channel": channel, "network": network})


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0010_longer_pending_list"),
        ("trust", "0004_gate"),
    ]
    operations = [migrations.RunPython(wrote_on, migrations.RunPython.noop)]
