"""The Baseten calls that the tool makes. httpx lives only here."""
