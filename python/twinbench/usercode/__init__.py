"""Code of the user's: which files belong to it, whether it is trusted, and how it is loaded."""
