from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("teams", "0001_initial")]

    operations = [
        migrations.AddField("notification", "mailed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "pushsubscription",
            "session_key",
            models.CharField(blank=True, db_index=True, default="", max_length=40),
            preserve_default=False,
        ),
        migrations.AddField("pushsubscription", "used_at", models.DateTimeField(null=True)),
    ]
