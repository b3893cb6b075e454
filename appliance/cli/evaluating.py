"""``appliance evaluate``: how good the recommendations are, on given files and on the shop's own log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from appliance.cli import output
from appliance.cli.session import Session, json_option, pass_session
from appliance.messages import translate

if TYPE_CHECKING:
    from appliance.ops.evaluation.report import Outcome

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def evaluate() -> None:
    """Measure the quality of answers; with --json the whole report is one JSON value.

    Models and weights are chosen on a part of the training file that is held out for it, never on the test file.
    """


_predictions = click.option(
    "--predictions", type=click.Path(dir_okay=False, path_type=Path), help="Write the answers here."
)


def _common(k: int) -> Callable[[F], F]:
    def add(command: F) -> F:
        for option in (
            json_option,
            _predictions,
            click.option(
                "--k", type=click.IntRange(1, 1000), default=k, show_default=True, help="Length of an answer."
            ),
        ):
            command = option(command)
        return command

    return add


@evaluate.command()
@click.option("--train", type=_FILE, required=True, help="`user item item …` a line, or CSV with user_id,product_id.")
@click.option("--test", type=_FILE, required=True, help="The items to be found, in the same format.")
@_common(20)
@pass_session
def recsys(session: Session, train: Path, test: Path, k: int, predictions: Path | None) -> None:
    """All items ranked for each user; what is in the training file is left out."""
    from appliance.ops.evaluation import all_ranking

    budget = session.load().settings.recommender.training_memory_mb
    _run(session, predictions, lambda tell: all_ranking.evaluate(train, test, k=k, budget_mb=budget, tell=tell))


@evaluate.command("session")
@click.option("--train", type=_FILE, required=True, help="Table with session, item and time, or a session a line.")
@click.option("--test", type=_FILE, required=True, help="The sessions to be followed, in the same format.")
@click.option("--last-only", is_flag=True, help="Predict only the last click of each session.")
@_common(20)
@pass_session
def session_(session: Session, train: Path, test: Path, last_only: bool, k: int, predictions: Path | None) -> None:
    """Each next click of a session, from the clicks before it."""
    from appliance.ops.evaluation import session_clicks

    _run(
        session,
        predictions,
        lambda tell: session_clicks.evaluate(train, test, k=k, last_only=last_only, tell=tell),
    )


@evaluate.command("next")
@click.option("--sequences", type=_FILE, required=True, help="`user item item …`, oldest first; the last is hidden.")
@click.option("--attributes", type=_FILE, help="JSON: item to list of attribute ids.")
@click.option("--users", type=click.IntRange(2), help="Draw a small shop of this many users at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which random shop.")
@_common(20)
@pass_session
def next_(session: Session, /, sequences: Path, k: int, predictions: Path | None, **params: Any) -> None:
    """The last item of each history from those before it; the whole catalogue is ranked."""
    from appliance.ops.evaluation import next_item

    _run(session, predictions, lambda tell: next_item.evaluate(sequences, k=k, tell=tell, **params))


@evaluate.command()
@click.option(
    "--products", type=_FILE, required=True, help="JSONL with id, title, description, categories, tags, price."
)
@click.option("--queries", type=_FILE, required=True, help="query_id,query as CSV or JSONL.")
@click.option("--judgements", type=_FILE, required=True, help="query_id,product_id,grade as CSV or JSONL.")
@_common(10)
@pass_session
def search(session: Session, /, products: Path, k: int, predictions: Path | None, **files: Path) -> None:
    """The shop's own search on judged queries."""
    from appliance.ops.evaluation import searching

    _run(session, predictions, lambda tell: searching.evaluate(products, k=k, tell=tell, **files))


@evaluate.command()
@click.option("--train", type=_FILE, required=True, help="text,label as CSV or JSONL, or chat cases as JSONL.")
@click.option("--test", type=_FILE, required=True, help="Phrases to be understood, in the same formats.")
@_predictions
@json_option
@pass_session
def intents(session: Session, train: Path, test: Path, predictions: Path | None) -> None:
    """The assistant's intent classifier, trained on a shop's own phrases.

    A row labelled NO_NODES_DETECTED, or not at all, is out of scope. `accuracy` counts the rows in scope whose
    likeliest label is right; `accuracy_in_scope` the same when doubtful answers are refused; `accuracy_all` every row,
    where one out of scope is right when it is refused.
    """
    from appliance.ops.evaluation import intents as judged

    _run(session, predictions, lambda tell: judged.evaluate(train, test=test, tell=tell))


@evaluate.command()
@click.option("--dir", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@_common(10)
@pass_session
def bundle(session: Session, folder: Path, k: int, predictions: Path | None) -> None:
    """Complete bundles, and find them by their intent: a folder in the layout of the bundle data sets."""
    from appliance.ops.evaluation import bundles

    _run(session, predictions, lambda tell: bundles.evaluate(folder, k=k, tell=tell))


@evaluate.command()
@click.option("--cases", type=_FILE, required=True, help="Labelled conversations, JSON lines.")
@click.option("--products", type=_FILE, help="The shop's products; without it the store of --data answers.")
@json_option
@_predictions
@pass_session
def chat(session: Session, cases: Path, products: Path | None, predictions: Path | None) -> None:
    """The assistant on labelled conversations: intent, slots, actions, truth, and the time of a turn."""
    from appliance.ops.evaluation import chat as chats
    from appliance.ops.evaluation.chat_shop import chat_shop

    def work(tell: Callable[[float, str], None]) -> Outcome:
        with chat_shop(session.prepare(), session.load().settings, products) as opened:
            return chats.evaluate(cases, opened.assistant, currency=opened.currency, ids=opened.ids, tell=tell)

    _run(session, predictions, work)


@evaluate.command()
@_common(20)
@pass_session
def shop(session: Session, k: int, predictions: Path | None) -> None:
    """The shop's own recommender on the last fifth of its log, trained on what came before."""
    from appliance.cli.backend import open_backend
    from appliance.ops.evaluation.report import Outcome

    def work(tell: Callable[[float, str], None]) -> Outcome:
        with open_backend(session) as backend:
            found = backend.evaluate(k=k, predictions=predictions is not None, tell=tell)
        return Outcome(found["report"], found.get("predictions", ()))

    _run(session, predictions, work)


def _run(session: Session, predictions: Path | None, work: Callable[[Callable[[float, str], None]], Outcome]) -> None:
    from appliance.cli.logs import configure
    from appliance.ops.evaluation.report import write_predictions

    configure(session.load().settings.server, quiet=True)
    with output.progress(translate("cli.evaluating", session.locale)) as tell:
        outcome = work(tell)
    if predictions is not None:
        write_predictions(predictions, outcome.predictions)
    if session.as_json:
        output.print_json(outcome.report)
    else:
        show(session, outcome.report)


def show(session: Session, report: dict[str, Any]) -> None:
    """Print a report as a table: the measures, their intervals, and the baselines beside them."""
    if "baselines" not in report:
        for name, part in report.items():
            if isinstance(part, dict):
                output.say(name, style="bold")
                show(session, {"baselines": {}, **part})
        return
    intervals, baselines = report.get("intervals", {}), {**report.get("parts", {}), **report["baselines"]}
    rows: list[list[object]] = []
    for name, value in report.items():
        if isinstance(value, (dict, list)):
            continue
        low_high = intervals.get(name)
        interval = "" if low_high is None else f"{low_high[0]:.4f} – {low_high[1]:.4f}"
        rows.append([name, value, interval, *(baseline.get(name, "") for baseline in baselines.values())])
    output.print_table([*translate("cli.evaluation_headings", session.locale).split("|"), *baselines], rows)


COMMANDS = {"evaluate": evaluate}
