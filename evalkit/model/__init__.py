"""The words of evalkit as frozen dataclasses and Protocols; knows nothing but `evalkit.errors`."""

from __future__ import annotations

from evalkit.model.exchange import (
    Allowance,
    AnswerStore,
    Client,
    Failure,
    Outcome,
    Quota,
    Reply,
    Request,
    Usage,
)
from evalkit.model.manifest import Manifest, ModelFacts, TrainingPoint
from evalkit.model.project import (
    Budget,
    Judge,
    Limits,
    ModelSpec,
    Pair,
    Price,
    Project,
    Role,
    Sampling,
)
from evalkit.model.record import Grade, Graded, Record, Ungraded
from evalkit.model.suite import (
    METRICS,
    Case,
    Fairness,
    GraderSpec,
    Label,
    Message,
    Purpose,
    Source,
    Split,
    Suite,
)

__all__ = [
    "METRICS",
    "Allowance",
    "AnswerStore",
    "Budget",
    "Case",
    "Client",
    "Failure",
    "Fairness",
    "Grade",
    "Graded",
    "GraderSpec",
    "Judge",
    "Label",
    "Limits",
    "Manifest",
    "Message",
    "ModelFacts",
    "ModelSpec",
    "Outcome",
    "Pair",
    "Price",
    "Project",
    "Purpose",
    "Quota",
    "Record",
    "Reply",
    "Request",
    "Role",
    "Sampling",
    "Source",
    "Split",
    "Suite",
    "TrainingPoint",
    "Ungraded",
    "Usage",
]
