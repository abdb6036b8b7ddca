from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0011_wrote_on")]

    operations = [
        migrations.AddField(
            model_name="conversation", name="complaint", field=models.BooleanField(db_default=False, default=False)
        ),
    ]
