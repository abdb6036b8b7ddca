"""Imports of files: mail (mbox, maildir, eml) and people (vcard, csv), with dry run, progress and undo."""

from kith.workspace.imports.run import ImportRefused, ImportResult, import_run, import_undo

__all__ = ["ImportRefused", "ImportResult", "import_run", "import_undo"]
