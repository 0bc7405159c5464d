"""How models do in the shop: clicks, carts and sales by variant, told from the lake; and what is popular there."""
