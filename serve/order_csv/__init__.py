"""Order history as a table with one row for each line of an invoice: what its columns mean, which lines are sales, how
what came back finds its sale. Nothing here talks to a shop.

    file -> reading (rows) -> rules (what each line is) -> plan (invoices, returns, credits; on disk) -> tasks to send
"""
