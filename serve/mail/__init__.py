"""Mail: what is said to whom (letters), how it leaves (mailers), and that nobody waits for it (the outbox)."""
