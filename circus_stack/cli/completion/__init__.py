"""Completion of command lines, in circusctl's shell and in bash, zsh and fish: what may come next."""
