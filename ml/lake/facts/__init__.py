"""What entries tell: pure functions from an entity's state and the events that follow to rows of the lake's tables.

Each module has the kinds of one area. A function gets the state as it was before the events, changes it as they tell
(it is the fold's own copy), and yields the rows: no clock, no I/O, and the same rows whenever it is asked again.
"""
