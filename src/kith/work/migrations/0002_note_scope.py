from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("work", "0001_initial")]

    operations = [migrations.AddField("note", "scope_id", models.UUIDField(null=True))]
