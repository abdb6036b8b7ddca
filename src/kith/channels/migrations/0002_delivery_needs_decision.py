from django.db import migrations


class Migration(migrations.Migration):
    """A delivery references a decision together with its outcome, and its own CHECK says that this is "allow"."""

    dependencies = [("channels", "0001_initial"), ("trust", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE channels_delivery ADD CONSTRAINT delivery_decision_allows FOREIGN KEY (decision_id, outcome) "
            "REFERENCES trust_decision (id, outcome) DEFERRABLE INITIALLY DEFERRED",
            "ALTER TABLE channels_delivery DROP CONSTRAINT delivery_decision_allows",
        )
    ]
