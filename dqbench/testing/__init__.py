"""The conformance kit that a plugin author runs."""
