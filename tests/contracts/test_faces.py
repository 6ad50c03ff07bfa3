# SPDX-License-Identifier: Apache-2.0
"""Every verb has its faces: a function of the front door and a command."""

import typer.main

import precordia
from precordia.cli.main import command_line

VERBS = (
    "assess",
    "delineate",
    "measure",
    "classify",
    "embed",
    "report",
    "plot",
    "examine",
    "simulate",
    "benchmark",
    "train",
)


def test_every_verb_is_a_function_and_a_command():
    commands = set(typer.main.get_command(command_line()).commands)
    for verb in VERBS:
        assert callable(getattr(precordia, verb))
        assert verb in commands


def test_every_command_speaks_json():
    for name, command in _commands(typer.main.get_command(command_line())):
        options = {option for p in command.params for option in p.opts}
        assert "--json" in options, name


def _commands(group):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command)
        else:
            yield name, command
