"""The event lake: what the journals say, as tables in Parquet files that anybody can query while the shop runs."""
