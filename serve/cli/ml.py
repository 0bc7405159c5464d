"""`doorbuster ml`: models for recommendations, from training to serving and back."""

import os
import sys

import click

from .lazy_group import LazyGroup


class MlGroup(LazyGroup):
    commands_by_name = {
        "train": ("ml_train", "Train a model by Ray tasks, with a search for its parameters if wanted."),
        "retrain": ("ml_retrain", "Train on newer data now, and release what beats the champion."),
        "evaluate": ("ml_evaluate", "Measure a model on the last stretch of time, and write its card."),
        "compare": ("ml_compare", "Measure several models on the same cases: who beats whom."),
        "register": ("ml_register", "Put a trained model into the registry."),
        "deploy": ("ml_deploy", "Serve a registered version: to all, a canary share, an A/B half, or in shadow."),
        "rollback": ("ml_rollback", "Go back to what was served before."),
        "backup": ("ml_backup", "Copy the registry with its artifacts into a new directory."),
        "restore": ("ml_restore", "Bring such a backup back."),
        "status": ("ml_status", "What is released, what the shop serves, and how each variant does."),
    }


@click.group("ml", cls=MlGroup, context_settings={"max_content_width": 120})
def command() -> None:
    """Recommendations: train, evaluate, release and roll back models.

    Models are versions in an MLflow registry (setting `registry`; without one, a database in the data directory). The
    running shop follows its aliases `champion` and `challenger` within ten seconds.
    """
    # A model of one's own, module:Class, is mostly a file beside the data.
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)
