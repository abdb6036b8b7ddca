from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0003_people_loose_blobs")]

    operations = [
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["action", "-id"], name="audit_action"),
        ),
    ]
