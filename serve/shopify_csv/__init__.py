"""The columns of a Shopify product export, read and written: what is written reads back as it was."""

OWN_COLUMN = "Doorbuster (JSON)"
"""What a product has that the other columns can't say, as a JSON object of the import's fields. Others ignore it."""
OWN_FAMILY_COLUMN = "Doorbuster Family (JSON)"
"""The same of the product's page, on its first row."""
