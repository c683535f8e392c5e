"""One folder per vendor, all of one shape: connector.toml, mapping.toml, client.py, README.md, fixtures/."""
