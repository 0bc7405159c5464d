"""Search: a tantivy index in every replica, that follows what hosts tell of products and stock.

text -> analysis -> query -> index (one generation, read by many threads) -> results
catalogue -> document -> follower (one thread that writes) -> index, or a whole new one that is swapped in
"""
