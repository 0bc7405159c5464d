"""What changes in the shop, told to whoever holds a stream open."""
