"""What a process counts and measures, told in the Prometheus text format."""
