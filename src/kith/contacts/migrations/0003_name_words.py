from django.db import migrations, models

# Words of names, kept by the database itself, so that bulk loads and every writer keep them. One statement a batch.
SQL = r"""
CREATE FUNCTION contacts_words(source text) RETURNS SETOF text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT DISTINCT left(w, 60) FROM (
        SELECT unnest(regexp_split_to_array(lower(public.unaccent('public.unaccent', left(source, 2000))),
                                            '[^[:alnum:]]+')) AS w
    ) s WHERE w <> '' LIMIT 60
$$;
CREATE FUNCTION contacts_words_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM contacts_nameword w USING new_rows n JOIN old_rows o ON o.id = n.id
        WHERE w.object_id = n.id AND o.search_text IS DISTINCT FROM n.search_text;
        INSERT INTO contacts_nameword (word, kind, object_id)
        SELECT x, 'c', n.id FROM new_rows n JOIN old_rows o ON o.id = n.id CROSS JOIN contacts_words(n.search_text) x
        WHERE o.search_text IS DISTINCT FROM n.search_text ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO contacts_nameword (word, kind, object_id)
        SELECT x, 'c', n.id FROM new_rows n CROSS JOIN contacts_words(n.search_text) x ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION contacts_words_organization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM contacts_nameword w USING new_rows n WHERE w.object_id = n.id;
    END IF;
    INSERT INTO contacts_nameword (word, kind, object_id)
    SELECT x, 'o', n.id FROM new_rows n CROSS JOIN contacts_words(n.name || ' ' || n.domain) x ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE FUNCTION contacts_words_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM contacts_nameword w USING new_rows n JOIN old_rows o ON o.id = n.id
        WHERE w.object_id = n.id AND (o.display_name, o.handle) IS DISTINCT FROM (n.display_name, n.handle);
        INSERT INTO contacts_nameword (word, kind, object_id)
        SELECT x, 'i', n.id FROM new_rows n JOIN old_rows o ON o.id = n.id
        CROSS JOIN contacts_words(n.display_name || ' ' || n.handle || ' ' || n.external_id) x
        WHERE n.kind <> 'us' AND (o.display_name, o.handle) IS DISTINCT FROM (n.display_name, n.handle)
        ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO contacts_nameword (word, kind, object_id)
        SELECT x, 'i', n.id FROM new_rows n
        CROSS JOIN contacts_words(n.display_name || ' ' || n.handle || ' ' || n.external_id) x
        WHERE n.kind <> 'us' ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION contacts_words_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM contacts_nameword w USING old_rows o WHERE w.object_id = o.id;
    RETURN NULL;
END $$;
CREATE TRIGGER words_insert AFTER INSERT ON contacts_contact REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_contact();
CREATE TRIGGER words_update AFTER UPDATE ON contacts_contact REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_contact();
CREATE TRIGGER words_delete AFTER DELETE ON contacts_contact REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_gone();
CREATE TRIGGER words_insert AFTER INSERT ON contacts_organization REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_organization();
CREATE TRIGGER words_update AFTER UPDATE ON contacts_organization REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_organization();
CREATE TRIGGER words_delete AFTER DELETE ON contacts_organization REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_gone();
CREATE TRIGGER words_insert AFTER INSERT ON contacts_identity REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_identity();
CREATE TRIGGER words_update AFTER UPDATE ON contacts_identity REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_identity();
CREATE TRIGGER words_delete AFTER DELETE ON contacts_identity REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION contacts_words_gone();
INSERT INTO contacts_nameword (word, kind, object_id)
    SELECT x, 'c', c.id FROM contacts_contact c CROSS JOIN contacts_words(c.search_text) x ON CONFLICT DO NOTHING;
INSERT INTO contacts_nameword (word, kind, object_id)
    SELECT x, 'o', c.id FROM contacts_organization c CROSS JOIN contacts_words(c.name || ' ' || c.domain) x
    ON CONFLICT DO NOTHING;
INSERT INTO contacts_nameword (word, kind, object_id)
    SELECT x, 'i', c.id FROM contacts_identity c
    CROSS JOIN contacts_words(c.display_name || ' ' || c.handle || ' ' || c.external_id) x WHERE c.kind <> 'us'
    ON CONFLICT DO NOTHING;
"""
BACK = "".join(
    f"DROP TRIGGER words_{event} ON contacts_{table};"
    for table in ("contact", "organization", "identity")
    for event in ("insert", "update", "delete")
) + (
    "DROP FUNCTION contacts_words_contact(); DROP FUNCTION contacts_words_organization(); "
    "DROP FUNCTION contacts_words_identity(); DROP FUNCTION contacts_words_gone(); DROP FUNCTION contacts_words(text);"
)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_canonical_cascade"), ("core", "0002_extensions")]

    operations = [
        migrations.CreateModel(
            name="NameWord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("word", models.CharField(max_length=60)),
                ("kind", models.CharField(max_length=1)),
                ("object_id", models.UUIDField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["kind", "word", "object_id"],
                        name="nameword_prefix",
                        opclasses=["varchar_ops", "varchar_pattern_ops", "uuid_ops"],
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=["object_id", "word"], name="nameword_once")],
            },
        ),
        migrations.RunSQL(SQL, BACK),
    ]
