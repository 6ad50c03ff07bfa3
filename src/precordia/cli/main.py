# SPDX-License-Identifier: Apache-2.0
"""The command ``precordia``: one sub-command per verb, one sentence per mistake."""

from __future__ import annotations

import errno
import importlib
import io
import re
import sys

import typer

from precordia.cli.threads import take_one_thread
from precordia.core.errors import PrecordiaError

#: what a wrong option raises: typer brought click as a dependency once and carries its own now
UsageProblem = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
take_one_thread()

USERS_MISTAKE, INTERRUPTED, OUR_MISTAKE = 2, 130, 1

#: files of this folder that add commands, in the order of the help
_FILES = (
    *("examine", "info", "assess", "delineate", "measure", "classify", "ask", "beats", "embed"),
    *("index", "tokens", "report", "export", "plot", "convert", "deidentify", "catalogue"),
    *("simulate", "train", "pretrain", "adapt", "formats", "statements", "convert_weights"),
    *("benchmark", "dataset", "models"),
)
#: commands that are not called like the file that adds them
_ADDED_BY = {"read": "info", "similar": "index", "convert-weights": "convert_weights"}
HELP = """Read any ECG, check it, find the waves, measure, name what is there, and draw it.

Research software. Not a medical device.

Example:  precordia examine ecg.dcm
"""


def command_line(asked: str = "") -> typer.Typer:
    """Return the command line.

    Parameters
    ----------
    asked
        The command that will be run. Where there is such a one, the files of the others are not
        imported; they would take longer than many a command does.

    Returns
    -------
    All commands, or that alone.
    """
    app = typer.Typer(
        name="precordia",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        callback=_options,
    )
    file = _ADDED_BY.get(asked, asked)
    for name in (file,) if file in _FILES else _FILES:
        importlib.import_module(f"precordia.cli.{name}").add_to(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from precordia import __version__

        typer.echo(f"precordia {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Hold the options that stand before a command."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 is success, 2 the user's mistake (one sentence on stderr), 130 Ctrl-C, 1 a mistake of ours.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file name may hold bytes that are no text
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: list[str] | None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    asked = next((word for word in given if not word.startswith("-")), "")
    try:
        code = command_line(asked)(given, standalone_mode=False)
        if sys.stdout is not None:  # it was closed before we began
            sys.stdout.flush()
        if code == INTERRUPTED:  # newer versions of typer turn Ctrl-C into this themselves
            _say("interrupted.")
        return code if isinstance(code, int) else 0
    except PrecordiaError as error:
        _say(str(error) + _own_option(str(error), asked, given))
        return USERS_MISTAKE
    except typer.Exit as leave:
        return leave.exit_code
    except UsageProblem as error:
        error.show(sys.stderr)  # type: ignore[attr-defined]
        return USERS_MISTAKE
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has left; that is no mistake.
        sys.stdout = None  # type: ignore[assignment]
        return 0
    except SystemExit as leave:
        if isinstance(leave.__context__, BrokenPipeError):  # typer leaves by itself with 1
            return 0
        raise
    except OSError as error:
        if error.errno not in _REFUSALS:
            return _our_mistake(error)
        place = f" '{error.filename}'" if error.filename else ""
        _say(
            f"the system refuses{place}: {error.strerror}. Look at the path, who may write there, "
            "and the room on the disk."
        )
        return USERS_MISTAKE
    except MemoryError:
        _say("memory ran out. Examine a shorter excerpt, or fewer files at a time.")
        return USERS_MISTAKE
    except Exception as error:
        return _our_mistake(error)


#: what the system says no to because of the user's disk and not because of us
_REFUSALS = {
    getattr(errno, name)
    for name in (
        "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "ENOTDIR", "EISDIR",
        "ENAMETOOLONG", "ELOOP", "EMFILE", "ENFILE",
    )
    if hasattr(errno, name)
}  # fmt: skip


def _own_option(sentence: str, asked: str, given: list[str]) -> str:
    if not any(word.startswith("--set") for word in given):
        return ""
    from precordia.cli.set_option import own_option

    return own_option(sentence, typer.main.get_command(command_line(asked)), given)


def _our_mistake(error: Exception) -> int:
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
    _say(f"a mistake in precordia itself: {type(error).__name__} at {place}. Please report it.")
    return OUR_MISTAKE


#: what the sentences of the library call things, and what they are called here
_HERE = {
    "overwrite=True, --force": "--force",
    "overwrite=True": "--force",
    "name=, --as": "--as",
    "pseudonym=, --key": "--key",
    "leads=, --leads": "--leads",
    "seconds=, --seconds": "--seconds",
    "identifiers=True": "--identifiers",
    "compressed=True": "--set compressed=true",
    "ignore_checksum=True / --ignore-checksum": "--ignore-checksum",
    "ignore_checksum=True, --ignore-checksum": "--ignore-checksum",
    "ignore_checksum=True (--ignore-checksum)": "--ignore-checksum",
    "ignore_checksum=True": "--ignore-checksum",
    "format= (--to)": "--to",
    "data= (--data)": "--data",
    "resume=True, --resume": "--resume",
    "unit='uV' (--unit uV)": "--unit uV",
    "leads=['I', 'II']": "--leads I,II",
    "leads=[...]": "--leads I,II,...",
    "explain=True": "--explain",
    "method='rules'": "--method rules",
    ", or rhythm=[] for none": "",
    "read each file of the folder in a loop": "give the folder to 'precordia examine'",
    "list_formats()": "'precordia formats'",
    "list_models()": "'precordia models list'",
    "confirmed=True (--yes)": "--yes",
    "list_datasets()": "'precordia dataset list'",
    "list_scenarios()": "'precordia simulate --scenario list'",
    "list_statements()": "'precordia statements'",
    "list_tokenizers()": "'precordia tokens --help'",
}
_OPTIONS = re.compile(r"\b(format|layout|unit|fs|to|leads|variable|axes|index)=(?=([\w'])?)")


def _say(sentence: str) -> None:
    for there, here in _HERE.items():
        sentence = sentence.replace(there, here)
    sentence = _OPTIONS.sub(lambda m: f"--{m[1]} " if m[2] else f"--{m[1]}", sentence)
    print(f"precordia: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    main()
