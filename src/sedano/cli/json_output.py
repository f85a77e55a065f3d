"""Answers for scripts: one JSON document on stdout."""

import json

import click


def write_json(document: object) -> None:
    """Print a document; what JSON has no form for (a moment, a path) is printed as its text."""
    click.echo(json.dumps(document, default=str, ensure_ascii=False, indent=2))
