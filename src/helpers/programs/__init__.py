"""Code that runs apart from the notebook, within limits."""
