from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trust", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="decision",
            name="values",
            field=models.JSONField(null=True),
        ),
    ]
