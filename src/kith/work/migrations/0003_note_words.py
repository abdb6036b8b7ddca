from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("work", "0002_note_scope"), ("core", "0002_extensions")]
    operations = [
        migrations.AddIndex(
            model_name="note", index=GinIndex(SearchVector("text", config="kith"), name="note_words")
        ),
    ]
