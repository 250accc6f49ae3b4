"""``spectra runs``: list, show and compare run folders."""

import json
import pathlib

import click


@click.group()
def runs():
    """List, show and compare run folders."""


def _score(results):
    """AUC of the nested selection as text."""
    row = next((model for model in results.get("models", []) if model["name"] == "selected inside"), None)
    return f"{row['auc']['mean']:.3f} ({row['auc']['low']:.3f} to {row['auc']['high']:.3f})" if row else ""


@runs.command("ls")
@click.argument("folder", type=click.Path(path_type=pathlib.Path, file_okay=False, exists=True), default=".")
def ls(folder):
    """Runs in FOLDER, newest first: when, what, how many spectra, the nested score."""
    from spectra.study import record

    found = []
    for path in folder.glob("*/run.json"):
        run, results = record.read_run(path.parent)
        found.append((run.get("finished", ""), path.parent, run, results))
    for finished, path, run, results in sorted(found, key=lambda row: row[0], reverse=True):
        size = results.get("data", {}).get("n_spectra", "")
        click.echo(f"{finished}  {path.name:<20} {run.get('command', ''):<8} {size!s:>6}  {_score(results):<24} {run.get('input', '')}")
    if not found:
        click.echo(f"no runs in {folder}")


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
        auc = model["auc"]
        click.echo(f"  {model['name']:<28} AUC {auc['mean']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})")
    for row in results.get("audit", []):
        if row["flag"]:
            click.echo(f"  WARNING {row['verdict']}")


def _flat(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@runs.command("diff")
@click.argument("first", type=click.Path(path_type=pathlib.Path, file_okay=False))
@click.argument("second", type=click.Path(path_type=pathlib.Path, file_okay=False))
def diff(first, second):
    """Settings, data, versions and results in which two runs differ."""
    from spectra import settings
    from spectra.study import record

    sides = []
    for folder in (first, second):
        facts, results = record.read_run(folder)
        tree = {"settings": settings.to_dict(settings.load(folder / "settings.toml"))}
        tree |= {"versions": facts.get("versions", {}), "seed": facts.get("seed"), "input_sha256": facts.get("input_sha256")}
        tree |= {"commit": facts.get("git_commit"), "data": {k: v for k, v in results.get("data", {}).items() if k != "set_aside"}}
        tree["auc"] = {model["name"]: round(model["auc"]["mean"], 4) for model in results.get("models", [])}
        tree["markers"] = ", ".join(row["name"] for row in results.get("markers", [])[:10])
        sides.append(dict(_flat(tree)))
    left, right = sides
    changed = [name for name in left | right if left.get(name) != right.get(name)]
    for name in changed:
        click.echo(f"{name}: {left.get(name)} -> {right.get(name)}")
    if not changed:
        click.echo("no difference in settings, data, versions or results")
