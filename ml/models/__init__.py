"""The models that ship, by name; others come by their import path. Each module stands by itself."""
