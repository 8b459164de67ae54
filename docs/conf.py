"""Sphinx's configuration; `make docs` builds with warnings as errors."""

import padre_git

project = "padre_git"
author = "The padre_git authors"
copyright = "2026, The padre_git authors"
version = release = padre_git.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx_click"]
exclude_patterns = ["_build", "format"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autoclass_content = "class"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
nitpicky = False

html_theme = "furo"
html_title = "padre_git"
html_static_path: list[str] = []
