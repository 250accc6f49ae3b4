"""``spectra study``."""

import contextlib
import dataclasses
import pathlib
import time
from typing import Any, NamedTuple

import click

from spectra.cli import console as shell
from spectra.cli import inputs
from spectra.errors import SpectraError


class Question(NamedTuple):
    """What a study is asked, as the command line or the demo says it.

    source : manifest or feature table
    label, task, drop, external, hold_out : as the options of these names
    roles : role ("group", "site", "date") -> column or None
    """

    source: pathlib.Path
    label: str
    roles: dict[str, str | None]
    settings: Any
    seed: int
    task: str | None = None
    drop: tuple[str, ...] = ()
    external: pathlib.Path | None = None
    hold_out: str | None = None

    @property
    def columns(self):
        """Label, task and roles by name, as a run records them."""
        return {"label": self.label, "task": self.task} | self.roles


@click.command()
@click.argument("source", metavar="MANIFEST_OR_TABLE", type=click.Path(path_type=pathlib.Path))
@click.option(
    "--label", required=True, help="Column of classes or of a quantity, a rule such as 'quality>=6', or a transform such as 'log10(dose)'."
)
@click.option("--task", type=click.Choice(["classification", "regression"]), help="Default: many different numbers are a quantity.")
@click.option("--group", help="Column of the patient: no patient stands on both sides of a split.")
@click.option("--site", help="Column of the hospital or instrument; leaves each one out in turn.")
@click.option("--date", help="Column of the date; trains on earlier and tests on later patients.")
@click.option("--drop", multiple=True, help="Column of a feature table to leave out; may be repeated.")
@click.option(
    "--external",
    type=click.Path(path_type=pathlib.Path),
    help="Another manifest or table, for the frozen model alone: scored once, each look is counted.",
)
@click.option("--hold-out", metavar="RULE", help="Or rows of this one: COLUMN=VALUE, or a share of the patients such as 0.25.")
@click.option("--out", type=click.Path(path_type=pathlib.Path), help="Run folder to write; default: run-1, run-2, …")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run in --out.")
@click.option(
    "--cache",
    type=click.Path(path_type=pathlib.Path, file_okay=False),
    help="Folder of kept results, safe to delete; default: cache in --out.",
)
@click.option("--explain", is_flag=True, help="Say at the end which results were kept, which computed anew, and why.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, say what would be done, and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print results.json on standard output.")
@shell.settings_options
@shell.shared
def study(
    source,
    *,
    label,
    task,
    group,
    site,
    date,
    drop,
    external,
    hold_out,
    out,
    resume,
    cache,
    explain,
    dry_run,
    as_json,
    settings,
    seed,
    console,
    n_jobs,
):
    """Compare models on held-out patients, and ask what threatens the result.

    MANIFEST_OR_TABLE is a CSV with a column 'file' (one row per spectrum, paths relative to the CSV), a cohort that 'spectra convert' packed into
    one .npz, or a plain table of features.
    """
    if external and hold_out:
        raise SpectraError("--external and --hold-out: give one of them; a second external set would be another look")
    roles = {"group": group, "site": site, "date": date}
    question = Question(source, label, roles, settings, seed, task, drop, external, hold_out)
    if dry_run:
        run(question, None, console, n_jobs)
        return
    named, out = out is not None, shell.new_folder(out or shell.next_folder("run"), resume=resume)
    console.log = out / "log.txt"
    with contextlib.nullcontext() if named else shell.tidy(out):
        result = run(question, out, console, n_jobs, cache=cache, explain=explain)
    if as_json:
        click.echo(result)
    else:
        click.echo(f"report: {out / 'report.html'}")


def run(question, out, console, n_jobs, *, cache=None, explain=False):
    """Read, study, write the run folder; the text of ``results.json``, or None for a dry run (`out` None)."""
    from spectra.study.external import column_held_out

    start, settings, seed = time.monotonic(), question.settings, question.seed
    columns = question.roles | {"hold-out": column_held_out(question.hold_out)}
    how = {"settings": settings, "console": console, "n_jobs": n_jobs}
    data, table = inputs.read_input(question.source, **how, label=question.label, roles=columns, drop=question.drop)
    data, table, apart = set_apart(question, data, table, console, n_jobs)
    if out is None:
        describe(question, data, table)
        return None
    from spectra.report import write_report
    from spectra.study import frozen, record, run_study
    from spectra.study.cache import Cache

    decisive = data, table, settings, seed, question.columns
    key = record.fingerprint(*decisive)
    store = record.FoldStore(out / "folds", record.fold_key(*decisive))
    record.write_settings(out, settings)
    kept = Cache(cache or out / "cache")
    work = {"n_jobs": n_jobs, "progress": console.progress, "say": console.say, "store": store, "cache": kept}
    result = run_study(data, table, **question.columns, settings=settings, seed=seed, **work)
    if store.damaged:
        console.say(f"kept folds that had been changed or cut short were computed again: {', '.join(sorted(store.damaged))}")
    for line in [*(f"folds, {scheme}: {n} finished ones used again" for scheme, n in store.used.items()), *kept.explain()]:
        console.say(line, level=1 if explain else 2)
    console.say("freezing the model, and writing tables and report")
    frozen.save(out, result)
    if apart:
        console.say(f"scoring the external set {apart[2]} with the frozen model, once")
        result = look(question, out, apart, result, key, n_jobs)
    summarise(result, console)
    facts = facts_of(question, result, key, n_jobs, time.monotonic() - start)
    text = write_tables(out, result)
    record.write_run(out, **facts)
    write_report(out / "report.html", result, facts)
    console.say(f"done in {time.monotonic() - start:.1f} s")
    return text


def facts_of(question, result, key, n_jobs, seconds):
    """What ``run.json`` says of the run."""
    from spectra.study import record

    return {
        "command": "study",
        "seed": question.seed,
        "n_jobs": n_jobs,
        "input": str(question.source),
        "input_sha256": record.file_digest(question.source),
        "data_digest": key,
        "roles": question.columns,
        "drop": list(question.drop),
        "external": str(question.external) if question.external else None,
        "hold_out": question.hold_out,
        "seconds": round(seconds, 2),
        "processor_seconds": round(time.process_time(), 2),
        "costs": result.costs_told(),
        "seconds_of": {name: round(spent, 2) for name, spent in result.seconds.items()},
    }


def write_tables(out, result):
    """``results.json``, ``features.csv``, and of spectra ``peaks.csv`` and ``quality.csv``; the text of the first."""
    from spectra.study import record

    text, problem = record.to_json(result.to_dict()), result.problem
    record.write_atomic(out / "results.json", text)
    record.write_features(out, result.features, [problem.classes[k] for k in problem.y] if problem.n_classes else problem.target)
    if result.nuisance is not None:
        record.write_peaks(out, problem.data)
        record.write_atomic(out / "quality.csv", result.quality.to_csv(index=False, float_format="%.5g"))
    return text


def set_apart(question, data, table, console, n_jobs):
    """What is studied, and what only the frozen model will see: data, table, and (data, table, name) or None."""
    from spectra.study.external import check_apart, external_name, held_out, labels_as
    from spectra.study.roles import column_of, encode, groups_of, task_of

    label, roles, external, hold_out = question.label, question.roles, question.external, question.hold_out
    if external is None and hold_out is None:
        return data, table, None
    task, group = task_of(label, question.task), roles.get("group")
    if external is not None:
        how = {"settings": question.settings, "console": console, "n_jobs": n_jobs}
        features = None if inputs.holds_spectra(external) else getattr(data, "names", None)
        more, known = inputs.read_input(external, **how, label=label, roles={"group": group}, features=features)
        if type(more) is not type(data):
            raise SpectraError(f"--external {external}: spectra and feature tables cannot be mixed; give the same kind as the study's")
        name = external.name
    else:
        held = held_out(table, hold_out, label=label, group=group, seed=question.seed, task=task)
        more, known, name = data[held], table[held].reset_index(drop=True), external_name(hold_out)
        data, table = data[~held], table[~held].reset_index(drop=True)
    mine, named = groups_of(table, roles)
    theirs, also = groups_of(known, roles)
    check_apart(data, more, mine, theirs, bool(named and also))
    _, classes, quantity = encode(column_of(table, label, "label"), task)
    labels_as(classes if quantity is None else [], column_of(known, label, "label"), name)  # now, and not when all has been computed
    console.say(f"{len(more)} rows are set apart for the frozen model: {name}")
    return data, table, (more, known, name)


def look(question, out, apart, result, key, n_jobs):
    """Score what was set apart with the model of the run folder."""
    from spectra.study.external import score_external
    from spectra.study.frozen import FrozenModel

    data, table, name = apart
    roles = {"label": question.label} | question.roles
    more = {"roles": roles, "name": name, "run": out, "study": key, "seed": question.seed, "n_jobs": n_jobs}
    scored = score_external(FrozenModel(out), data, table, **more)
    return dataclasses.replace(result, external=scored, other_schemes=[*result.other_schemes, scored.score])


def describe(question, data, table):
    """What a study would do, on standard output."""
    from spectra.study.candidates import candidates
    from spectra.study.roles import check_roles, column_of, encode, groups_of, look_alikes, task_of
    from spectra.study.splits import group_labels, number_of_folds

    check_roles(table, question.columns)
    label, asked = question.label, question.settings.study
    y, classes, quantity = encode(column_of(table, label, "label"), task_of(label, question.task))
    groups, group_name = groups_of(table, question.roles)
    for doubt in look_alikes(table, {"label": label} | question.roles | {"group": group_name}):
        click.echo(f"note: {doubt}")
    _, patients, _ = group_labels(y, groups)
    folds = number_of_folds(patients, asked.folds, classes=classes, inner=asked.inner_folds)
    task = "classification" if quantity is None else "regression"
    models = candidates(asked.models, task, parameters=asked.parameters, grids=asked.grid)
    candidates(asked.shuffle_models, task, option="shuffle_models")
    click.echo(f"{len(data)} rows, {len(patients)} groups")
    for k, name in enumerate(classes):
        click.echo(f"  {'class' if quantity is None else 'level'} {name}: {(y == k).sum()} rows, {(patients == k).sum()} groups")
    click.echo(f"{len(models)} models: {', '.join(model.name for model in models)}")
    click.echo(f"{folds} outer folds x {asked.repeats} repeats; nothing was written")


def summarise(result, console):
    """The result in a few lines."""
    from spectra.study.notes import on_matrix

    console.set_aside(result.set_aside)
    console.say("")
    classes = result.problem.n_classes > 0
    first, second = ("AUC", "accuracy") if classes else ("concordance", "R2")
    console.say(f"held-out patients                  {first:>11}   95 % interval   {second:>8}   on training   seconds       p")
    for score in result.scores:
        more = score.measures["accuracy" if classes else "r2"].mean
        p = f"{score.p_value:.3f}" if score.p_value == score.p_value else ""
        console.say(
            f"  {score.name:<32} {score.auc.mean:11.3f}   {score.auc.low:.3f} to {score.auc.high:.3f}"
            f"   {more:8.3f}   {score.train_auc:11.3f}   {score.seconds:7.1f}   {p:>5}".rstrip()
        )
    for score in result.other_schemes:
        line = f"  {score.scheme}: {score.name:<22} {first} {score.auc.mean:.3f} ({score.auc.low:.3f} to {score.auc.high:.3f})"
        console.say(line, level=2)
    if result.external is not None:
        found = result.external
        console.say(
            f"  external set {found.name}: {first} {found.score.auc.mean:.3f} ({found.score.auc.low:.3f} to {found.score.auc.high:.3f}), "
            f"{found.n_groups} patients, scored {'once' if found.times == 1 else f'{found.times} times'}"
        )
    for control in result.controls:
        if control.flag:
            console.say(f"WARNING {control.verdict} ({first} {control.auc.mean:.2f}, p {control.p_value:.4f})")
        elif control.doubt:
            console.say(f"note: {control.verdict} ({first} {control.auc.mean:.2f}, p {control.p_value:.4f})")
    for drift in result.drifts:
        if drift.flag:
            console.say(f"WARNING {drift.verdict}")
    if result.agreement is not None and result.agreement.flag:
        console.say(f"WARNING {result.agreement.verdict}")
    if told := on_matrix(result.named_peaks(), result.features.mz):
        console.say(f"WARNING {told}")
    for note in result.notes:
        console.say(f"note: {note}")
    console.say("most stable markers: " + ", ".join(f"{marker.name} ({marker.stability:.0%})" for marker in result.markers[:10]))
