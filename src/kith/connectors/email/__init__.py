"""E-mail: IMAP or POP3 in, SMTP out. The one entry is `connector.Connector`; `parse.parse_mail` reads one message."""
