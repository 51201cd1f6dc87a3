"""The words and the tests of the report, explained for someone who has never seen one."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("Base", "The model that is in use, or that the fine-tuned model came from."),
    ("Candidate", "The fine-tuned model that may replace the base."),
    ("Suite", "A set of cases about one ability, with the rules that grade the answers."),
    (
        "Case",
        "One question, asked of both models. A case is compared with itself, never with others.",
    ),
    (
        "Sample",
        (
            "One answer to a case. Where a model has several, their mean counts, and the case "
            "counts once."
        ),
    ),
    ("Score", "What the graders give an answer, from 0 (wrong) to 100 (right)."),
    ("Point", "One hundredth of the score: from 80.0 to 84.2 is 4.2 points."),
    ("Target", "A suite that the candidate was trained for. It has to improve."),
    ("Guard", "A suite that must not get worse by more than its limit."),
    ("Limit", "The loss that was declared acceptable before the run (the margin)."),
    (
        "95 % interval",
        (
            "The differences that agree with what was seen. Methods like these contain the true "
            "difference 95 times out of 100. More cases make it narrower."
        ),
    ),
    ("Fixed, broken", "Wrong before and right now; right before and wrong now."),
    ("Critical case", "A case that must never break, whatever the total says."),
    ("Held-out case", "A case that the candidate did not see in training."),
    (
        "Gap",
        (
            "The gain on training cases minus the gain on held-out cases. A large gap means that "
            "the candidate remembers its training cases more than it learned from them."
        ),
    ),
    ("Checkpoint", "The candidate as it was at an earlier step of its training."),
    (
        "Dev and test cases",
        "Two random parts of the held-out cases: one chooses a checkpoint, the other judges it.",
    ),
    (
        "Slice",
        "A part of a suite, such as one language. It can raise an alarm; it does not decide.",
    ),
    ("Digest", "A fingerprint of a file: equal digests mean equal files."),
)

TESTS: tuple[tuple[str, str], ...] = (
    (
        "betting",
        (
            "Where a suite may stop early, a betting confidence sequence judges it after every few "
            "cases: it stays honest however often one looks, and is wider for that. Beside it "
            "stands the test of all planned cases, curtailed: it speaks as soon as the cases to "
            "come cannot change what it says."
        ),
    ),
    (
        "Tango score",
        (
            "Tango's score interval, for cases that are right or wrong: it stays honest with few "
            "cases and few flips, where the common formula promises too much."
        ),
    ),
    (
        "exact McNemar",
        (
            "The exact McNemar test looks only at the flips and asks whether broken and fixed "
            "could be a coin's doing. An improvement is claimed only if it agrees."
        ),
    ),
    (
        "paired t",
        (
            "The paired t interval, for scores between 0 and 100: it works on the difference of "
            "each case, so hard and easy cases do not blur it."
        ),
    ),
    (
        "t on clusters",
        (
            "Cases that belong together count as one cluster (CR2), since they do not err "
            "independently."
        ),
    ),
    (
        "sign-flip",
        (
            "The sign-flip test turns the differences of cases round at random and asks how often "
            "chance does as well. An improvement is claimed only if it agrees."
        ),
    ),
    (
        "second opinions",
        (
            "Other methods judge the suites as well (second opinions). They decide nothing: where "
            "they agree, the verdict does not hang on the choice of the method."
        ),
    ),
    (
        "max-T",
        (
            "Checkpoints are compared all at once (max-T): signs of cases are turned round in all "
            "of them together, and each is held to the largest statistic that chance then shows. "
            "So a limit holds whichever checkpoint is picked."
        ),
    ),
    (
        "square-and-add",
        "The gap's interval is put together from those of training and held-out cases.",
    ),
)
"""A test by a part of its name, and why it is used."""
