"""The gate around tests and notebooks: outputs are true, and nothing stays behind."""
