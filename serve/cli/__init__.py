"""The command line: `doorbuster up`, `import`, `journal`, `config`, `bench`. Each command is one module."""
