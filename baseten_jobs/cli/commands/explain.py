"""`explain`: what a field of a manifest means, or what a rule is about."""

import re

import click

from baseten_jobs.cli.exits import Exit
from baseten_jobs.cli.helped import HelpedCommand
from baseten_jobs.cli.options import offered
from baseten_jobs.cli.options import output as output_option
from baseten_jobs.cli.session import Session
from baseten_jobs.manifest.rules.registry import Rule, rules
from baseten_jobs.manifest.schema.explain import ANY_NAME, Explanation, NoSuchField, explain
from baseten_jobs.manifest.schema.fields import KIND, KINDS, SUPPORTED, Shape, shape_of, written_shape_of
from baseten_jobs.phrases import nearest, one_line
from baseten_jobs.report import field_help, rule_help
from baseten_jobs.report import json as as_json


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    found = explain(_root(SUPPORTED[-1], incomplete), incomplete.rpartition(".")[0])
    children = found.fields if isinstance(found, Explanation) else ()
    fields = (child.path.replace("[]", "") for child in children if child.name != ANY_NAME)
    return offered((*fields, *KINDS, *rules()), incomplete)


def _root(api_version: str, name: str) -> Shape:
    """The fields of a manifest as it is written, or for a name such as `Policy.limits` those of a kind, below it."""
    kind = name.partition(".")[0]
    if kind not in KINDS:
        return written_shape_of(api_version)
    shape = written_shape_of(api_version) if kind == KIND else shape_of(api_version, kind)
    return Shape({}, {kind: shape}, None, None, {})


@click.command("explain", cls=HelpedCommand)
@click.argument("name", default="", metavar="[FIELD|RULE]", shell_complete=_complete)
@click.option("--rules", "all_rules", is_flag=True, help="List all rules.")
@output_option("text", "json")
@click.option(
    "--api-version", type=click.Choice(SUPPORTED), default=SUPPORTED[-1], show_default=True,
    help="Version of the manifests.",
)  # fmt: skip
def command(name: str, all_rules: bool, output: str, api_version: str) -> Exit:
    """Tell what a field is for, such as spec.compute.memory: its type, default and values, and whether a change of it
    starts a new run. Or what a rule is about, such as mutable-image, which messages name in brackets: why it matters,
    and what to do. Without either it draws the tree of all fields of a manifest. Fields of other kinds of documents
    begin with the kind, such as Policy.limits and TrainingJobDefaults.spec.
    """
    if name and all_rules:
        raise click.UsageError("--rules lists all, and goes with no FIELD or RULE")
    session = Session(output)
    if all_rules:
        return _show_rules(session)
    if rule := rules().get(name.strip("[]")):
        return _show_rule(session, rule)
    root = _root(api_version, name.strip("."))
    found = explain(root, name.strip("."))
    if isinstance(found, NoSuchField) and not found.at:
        found = _of_a_job(root, name.strip(".")) or found
    if isinstance(found, NoSuchField):
        return session.fail(_unknown(found, name), Exit.FAILED)
    if session.json:
        session.result(as_json.field(found))
    else:
        session.result((field_help.text if found.path else field_help.tree)(found, session.look()))
    return Exit.DONE


def _of_a_job(root: Shape, name: str) -> Explanation | None:
    """A field of `spec`, which is what most are asked for: `runtime` is `spec.runtime`."""
    found = explain(root, f"spec.{name}")
    return found if isinstance(found, Explanation) else None


def _show_rules(session: Session) -> Exit:
    listed = rules().values()
    session.result(as_json.rules(listed) if session.json else rule_help.table(listed, session.look()))
    return Exit.DONE


def _show_rule(session: Session, rule: Rule) -> Exit:
    session.result(as_json.rule(rule) if session.json else rule_help.text(rule, session.look()))
    return Exit.DONE


def _unknown(unknown: NoSuchField, name: str) -> str:
    """The nearest field; for a single word, which may be a rule or a kind as well, the nearest of them."""
    if re.search(r"[.\[]", name):
        near = unknown.near or ("" if unknown.at else nearest(unknown.wrong, KINDS))
        where = f"of '{unknown.at}'" if unknown.at else "of a manifest"
        message = f"'{one_line(unknown.wrong)}' is no field {where}"
    else:
        fields = {unknown.near.replace("[]", "").rpartition(".")[2]: unknown.near} if unknown.near else {}
        near = nearest(name, [*rules(), *KINDS, *fields])
        near, message = fields.get(near, near), f"'{one_line(name)}' is neither a field nor a rule"
    return f"{message}; did you mean '{near}'?" if near else message
