"""What becomes of a confirmed order: shipments, edits, cancellations in parts, returns, exchanges, refunds, notes.

Each module has the commands, events, decisions, changes and effects of one topic; `process` ties them together. All of
it hangs in one struct of the order, `state.AfterSale`, that is None until it is first needed: a plain purchase pays
nothing for it.
"""
