"""``spectra runs``: list, show and compare run folders."""

import json
import pathlib

import click

from spectra.errors import SpectraError


@click.group()
def runs():
    """List, show and compare run folders."""


@runs.command("ls")
@click.argument("folder", type=click.Path(path_type=pathlib.Path, file_okay=False, exists=True), default=".")
@click.option("--filter", "rules", multiple=True, metavar="RULE", help="Only runs with, say, 'auc>=0.8' or 'input~serum'; may be repeated.")
@click.option("--sort", metavar="NAME", help="Order by this value, from high to low with a leading '-'; default: newest first.")
@click.option("--columns", metavar="NAMES", help="What to show, parted by commas; '+NAMES' adds, such as '+settings.peaks.snr,accuracy'.")
@click.option("--names", is_flag=True, help="Say which values there are to show, filter and sort by.")
@click.option("--html", type=click.Path(path_type=pathlib.Path, dir_okay=False), help="Write the board as one page.")
@click.option("--json", "as_json", is_flag=True, help="Print every value of every run.")
@click.option("--mlflow", metavar="URI", help="Send the runs shown to this MLflow server (extra: mlflow).")
def ls(folder, rules, sort, columns, names, html, as_json, mlflow):
    """Runs in FOLDER as a board: newest first, or filtered and sorted by any value, setting or score."""
    from spectra.study import board

    rows, unreadable = board.read_board(folder)
    for reason in unreadable:
        click.echo(f"not read: {reason}", err=True)
    if names:
        click.echo("\n".join(dict.fromkeys(name for row in rows for name in row)))
        return
    rows = board.choose(rows, rules)
    rows = board.arrange(rows, sort) if sort else rows
    shown = _columns(columns, rows, board.COLUMNS)
    if html:
        from spectra.report import write_board

        write_board(html, rows, shown, folder)
        click.echo(f"wrote {html}", err=True)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    elif rows:
        table = [list(shown), *board.cells(rows, shown)]
        widths = [max(len(line[j]) for line in table) for j in range(len(shown))]
        for line in table:
            click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    else:
        click.echo(f"no runs in {folder}" + (" keep the filter" if rules else ""))
    if mlflow:
        from spectra.study.export import to_mlflow

        for name, identity, sent in to_mlflow([folder / row["run"] for row in rows], mlflow):
            click.echo(f"{name}: {'sent as' if sent else 'there already as'} {identity}", err=True)


def _columns(text, rows, default):
    """The columns asked for; those that no run has are an error, of the default ones left out."""
    there = {name for row in rows for name in row}
    usual = [name for name in default if name in there]
    if not text:
        return usual
    wanted = [name.strip() for name in text.removeprefix("+").split(",") if name.strip()]
    for name in wanted:
        if rows and name not in there:
            raise SpectraError(f"--columns: no run has {name!r}; 'spectra runs ls --names' lists what there is")
    return list(dict.fromkeys([*usual, *wanted] if text.startswith("+") else wanted))


@runs.command("show")
@click.argument("run", type=click.Path(path_type=pathlib.Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print run.json and results.json.")
def show(run, as_json):
    """What the folder RUN holds."""
    from spectra.study import record

    facts, results = record.read_run(run)
    if as_json:
        click.echo(json.dumps({"run": facts, "results": results}, indent=1))
        return
    for name in ("command", "finished", "seconds", "seed", "input", "git_commit"):
        click.echo(f"{name:<12} {facts.get(name)}")
    for model in results.get("models", []):
        rank = "auc" if "auc" in model else "concordance"
        auc = model[rank]
        click.echo(f"  {model['name']:<28} {rank.replace('auc', 'AUC')} {auc['mean']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})")
    for row in results.get("audit", []):
        if row["flag"]:
            click.echo(f"  WARNING {row['verdict']}")


@runs.command("diff")
@click.argument("first", type=click.Path(path_type=pathlib.Path, file_okay=False))
@click.argument("second", type=click.Path(path_type=pathlib.Path, file_okay=False))
def diff(first, second):
    """Settings, data, versions and results in which two runs differ."""
    from spectra.study import board

    found = board.differences(first, second)
    for section, rows in found.items():
        click.echo(section)
        for name, left, right in rows:
            click.echo(f"  {name}: {left} -> {right}")
    if not found:
        click.echo("no difference in settings, data, versions or results")
