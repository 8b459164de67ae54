"""padre_git: versioned storage for machine-learning experiments on plain git."""

__version__ = "0.1.0"
