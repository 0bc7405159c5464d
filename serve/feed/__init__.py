"""Notifications: what the journal records becomes webhooks and mails, beside the selling and never before it."""
