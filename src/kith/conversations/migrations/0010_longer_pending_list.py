import django.contrib.postgres.indexes
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("conversations", "0009_lighter_indexes")]

    operations = [
        # The index keeps its pages: building it again over millions of documents would take minutes.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "ALTER INDEX search_vector SET (gin_pending_list_limit = 2048)",
                    "ALTER INDEX search_vector SET (gin_pending_list_limit = 512)",
                )
            ],
            state_operations=[
                migrations.RemoveIndex(model_name="searchdocument", name="search_vector"),
                migrations.AddIndex(
                    model_name="searchdocument",
                    index=django.contrib.postgres.indexes.GinIndex(
                        fastupdate=True, fields=["vector"], gin_pending_list_limit=2048, name="search_vector"
                    ),
                ),
            ],
        ),
    ]
