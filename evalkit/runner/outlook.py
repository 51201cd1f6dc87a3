"""What is still to be asked of one model, and what stored answers tell of how it answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalkit.model import Reply, Request
from evalkit.runner.budget import longest


@dataclass(slots=True)
class Outlook:
    """Sums over the requests to be asked, and over the stored answers.

    ``most_input`` and ``most_output`` are the most tokens that one try of each request may cost;
    ``input_tokens`` and ``output_tokens`` are what the ``answers`` took, ``seconds`` what the
    ``timed`` ones did: how long an answer out of a batch took is not known.
    """

    requests: int = 0
    most_input: int = 0
    most_output: int = 0
    answers: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    timed: int = 0
    seconds: float = 0.0

    def ask(self, request: Request) -> None:
        """Take in a request that has to be asked."""
        most = longest(request)
        self.requests += 1
        self.most_input += most.input
        self.most_output += most.output

    def plus(self, more: Outlook) -> Outlook:
        """Return the same with what ``more`` has to be asked."""
        return replace(
            self,
            requests=self.requests + more.requests,
            most_input=self.most_input + more.most_input,
            most_output=self.most_output + more.most_output,
        )

    def scaled(self, requests: int) -> Outlook:
        """Return what so many requests of the same lengths take."""
        share = requests / self.requests if self.requests else 0.0
        most = round(self.most_input * share), round(self.most_output * share)
        return Outlook(requests, most_input=most[0], most_output=most[1])

    def learn(self, reply: Reply) -> None:
        """Take in a stored answer."""
        self.answers += 1
        self.input_tokens += reply.usage.input
        self.output_tokens += reply.usage.output
        self.timed += reply.latency_s > 0
        self.seconds += reply.latency_s
