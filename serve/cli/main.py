"""The command `doorbuster`. Commands are imported when they are called, so that `--help` answers at once."""

import click

from .lazy_group import LazyGroup
from .stop_signals import leave_at_once_when_asked

COMMANDS = {
    "up": ("up", "Start the shop and run it until Ctrl-C."),
    "import": ("imports", "Load products, or history of orders, from a file into the running shop."),
    "webhooks": ("webhooks", "Send webhooks that an endpoint has missed again."),
    "reorder": ("reorder", "Draft purchase orders for what is about to run out."),
    "payments": ("payments", "Compare the books of payment providers with the orders."),
    "export": ("exports", "Write products of the running shop into a file."),
    "feed": ("feed", "Public events: see them, relay them, look at who reads."),
    "report": ("report", "Sales, stock, customers and demand: tables, files, pictures."),
    "lake": ("lake", "Back up the event lake, which reports and recommendations are made from."),
    "ml": ("ml", "Recommendations: train, evaluate, release and roll back models."),
    "journal": ("journal", "Look into the journal, check it, copy it, back it up."),
    "keys": ("keys", "Rotate the keys that access tokens are signed with."),
    "hosts": ("hosts", "Look at the hosts of the running shop, and move their shards."),
    "node": ("node", "Make this machine a node of a cluster, or end that."),
    "deploy": ("deploy", "Put the shop on a running cluster."),
    "config": ("config", "Show every setting, its value and where it came from."),
    "bench": ("bench", "Measure the shop beside its alternatives."),
}
"""Name -> (module of this package with a `command`, one line for the list)."""

HELP = """Doorbuster sells out without overselling: an actor-based commerce engine on Ray.

\b
Examples
  doorbuster up                                    a shop with a demo catalogue on http://127.0.0.1:8000
  doorbuster up --port 9000 --data /srv/shop       another shop beside it
  doorbuster import products products.csv.gz       a Shopify product export, into the running shop
  doorbuster import orders --preset online-retail FILE   what was sold elsewhere, with its own dates
  doorbuster export products products.csv          all products, in the same columns
  doorbuster journal inspect stock RETRO-CLOCK     what happened to the stock of a SKU, event by event
  doorbuster journal verify                        whether everything that was recorded adds up
  doorbuster journal backup DIRECTORY              a backup of this instant, while the shop sells
  doorbuster feed tail --from start                what happened in the shop, as public events
  doorbuster report sales --interval month         what was sold, as a table; --format csv, parquet or png
  doorbuster ml deploy 7 --canary 10%              a tenth of the visitors get the recommendations of version 7
  doorbuster payments reconcile                    whether Stripe and PayPal say the same as the orders
  doorbuster hosts list                            where the shards of the running shop are
  doorbuster config                                what a start here would run with, and why

\b
Settings
  Each flag of `up` is a setting. A flag comes before the environment (--payment-window-s is
  DOORBUSTER_PAYMENT_WINDOW_S), that before doorbuster.toml in the current directory (payment_window_s = 600; another
  file by --config or DOORBUSTER_CONFIG), that before the default.

\b
Files
  The data directory (./var) holds the journal, admin.key (the bearer token of the admin routes) and the logs of the
  last run. Deleting it is starting anew.
"""


class MainGroup(LazyGroup):
    commands_by_name = COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "up":
            leave_at_once_when_asked()
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=MainGroup, help=HELP, context_settings={"max_content_width": 120, "help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="doorbuster", prog_name="doorbuster")
def main() -> None:
    pass
