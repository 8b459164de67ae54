"""Which untracked files are source code: what a person writes, not what a program puts out."""

from __future__ import annotations

from pathlib import Path

__all__ = ["is_source"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUFFIXES = _words(
    """
    .py .pyi .pyx .pxd .pxi .ipynb .r .rmd .qmd .jl .m .mlx .do .sas .stan .bugs .sh .bash
    .zsh .fish .ps1 .bat .cmd .pl .pm .rb .lua .tcl .php .awk .sed .el .clj .ex .c .h .cc
    .cpp .cxx .hh .hpp .hxx .cu .cuh .cl .f .for .f90 .f95 .f03 .s .asm .go .rs .java .kt
    .kts .scala .groovy .cs .fs .swift .hs .ml .mli .nim .zig .d .v .vhdl .js .mjs .cjs .ts
    .jsx .tsx .vue .scss .sql .graphql .proto .thrift .glsl .wgsl .metal .toml
    .cfg .ini .conf .gin .jsonnet .libsonnet .hcl .tf .nix .j2 .jinja .jinja2 .mako .tmpl
    .cmake .mk .gradle .yaml .yml
    """
)
_NAMES = _words(
    """
    makefile gnumakefile dockerfile containerfile snakefile justfile procfile pipfile
    rakefile gemfile jenkinsfile vagrantfile cmakelists.txt meson.build build.bazel
    .gitignore .gitattributes .gitmodules .dvcignore .dockerignore .editorconfig
    pipfile.lock poetry.lock uv.lock package.json package-lock.json tsconfig.json
    """
)
#: Directories that trackers and tools fill while a program runs.
_OUTPUTS = _words(
    """
    mlruns mlartifacts wandb dvclive lightning_logs .hydra __pycache__ .ipynb_checkpoints
    node_modules site-packages
    """
)


def is_source(path: Path, *, below: Path) -> bool:
    """Returns whether an untracked file is source code, by its name or its first two bytes.

    Programs, notebooks, build files and hand-written settings are; data, plain text, JSON, images
    and models are not, and neither is what lies in the output directory of a known tool: what a
    run writes beside the code must not make the next run another execution.

    Args:
        path: the file.
        below: the work tree it lies in.
    """
    name = path.name.lower()
    if not _OUTPUTS.isdisjoint(path.relative_to(below).parts):
        return False
    if path.suffix.lower() in _SUFFIXES or name in _NAMES or _is_requirements(name):
        return True
    return "." not in name and _has_shebang(path)


def _is_requirements(name: str) -> bool:
    return name.endswith(".txt") and name.startswith(("requirements", "constraints"))


def _has_shebang(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(2) == b"#!"
