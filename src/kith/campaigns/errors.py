"""Why a mailing can't do what was asked, in words for the person who asked."""


class MailingError(ValueError):
    """Shown as it is."""
