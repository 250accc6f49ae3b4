"""``spectra demo``."""

import pathlib
import time

import click

from spectra.cli import console as shell
from spectra.cli.study import Question, run

TOP = 10
QUICK = {
    "repeats": 1,
    "learning_curve": False,
    "pairs": 0,
    "universes": 0,
    # One or two of each family; those left out take longest to compile and to fit.
    "models": [
        "majority class",
        "naive Bayes",
        "nearest shrunken centroids",
        "logistic regression L2",
        "logistic regression L1",
        "linear SVM",
        "decision tree",
        "random forest",
        "neural network",
    ],
}
"""What the demo does of a study where the user's settings don't say otherwise."""


@click.command()
@click.option("--confounded", is_flag=True, help="Plant a site effect that goes with the class; the audit should find it.")
@click.option("--out", type=click.Path(path_type=pathlib.Path), help="Folder to write; default: demo-1, demo-2, …")
@shell.settings_options(start={"study": QUICK})
@shell.shared
def demo(confounded, out, settings, seed, console, n_jobs):
    """Simulate 281 spectra as files, study them, and say which planted markers came back."""
    import json

    import spectra

    start = time.monotonic()
    out = shell.new_folder(out or shell.next_folder("demo"))
    made = spectra.simulate_cohort(281, seed=seed, confounded=confounded)
    manifest = made.write(out / "cohort")
    console.say(f"simulated {len(made.cohort)} spectra of {made.cohort.size[0]} points in {time.monotonic() - start:.1f} s")
    console.say(
        f"now as any user would: spectra study {manifest} --label label --group patient --site site --date date --out {out / 'run'}"
    )
    told = {name: getattr(settings.study, name) for name in QUICK}
    less = [f"study.{name} = {value}" for name, value in told.items() if name != "models" and value == QUICK[name]]
    console.say(f"less than a study does, to be quick: {', '.join(less) or 'nothing'}")
    console.say(f"models compared: {', '.join(told['models']) or 'all'}")
    folder = shell.new_folder(out / "run")
    console.log = folder / "log.txt"
    roles = {"group": "patient", "site": "site", "date": "date"}
    results = json.loads(run(Question(manifest, "label", roles, settings, seed), folder, console, n_jobs))
    top = [row["mz"] for row in results["markers"][:TOP]]
    found = made.recovered(top)
    for place, back in zip(made.markers["mz"], found, strict=True):
        click.echo(f"planted marker at m/z {place:8.1f}: {'among the top ten' if back else 'not among the top ten'}")
    click.echo(f"{found.sum()} of {found.size} planted markers came back among the top ten")
    flags = [row for row in results["audit"] if row["flag"]]
    if confounded:
        click.echo(f"the planted site effect was {'flagged by the audit' if flags else 'MISSED by the audit'}")
    else:
        click.echo(f"audit: {len(flags)} of {len(results['audit'])} controls flagged")
    click.echo(f"report: {folder / 'report.html'}")
