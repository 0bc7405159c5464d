"""The command line: `doorbuster up`, `import`, `journal`, `hosts`, `config`, `bench`. Each command is one module."""
