"""
The sentences that answers are made of.

Plain technical prose, without names, numbers or addresses that a guardrail could take for data.
"""

from __future__ import annotations

from typing import Final

OPENINGS: Final = (
    "Here is a short overview of {topic}.",
    "Good question: {topic} is easier to understand once you see what problem it solves.",
    "In short, {topic} comes down to a trade-off between simplicity and control.",
    "Let me walk you through {topic}.",
    "The best way to think about {topic} is to start from the result you want.",
    "When people ask about {topic}, they usually mean one of two things.",
    "Sure. On {topic}, the main points are these.",
    "There is no single answer for {topic}, but a few principles hold almost everywhere.",
)

# 53 sentences: a prime number, so that every stride of the writer visits all of them.
SENTENCES: Final = (
    "A small, well understood core is worth more than a large set of options.",
    "Measure first, because intuition about performance is often wrong.",
    "The cost of a mistake grows with the distance between cause and symptom.",
    "Most of the time is spent waiting for the network, not computing.",
    "If a step can fail, decide beforehand what the caller should see.",
    "Keep the data close to the place where it is used.",
    "It helps to write down the assumptions before changing anything.",
    "A cache is only useful when you know exactly when it must be forgotten.",
    "Retries are safe as long as the operation can be repeated without harm.",
    "Give every part one reason to change, and name it after that reason.",
    "The simplest version that works is usually the best place to begin.",
    "You can then add detail where the measurements show that it matters.",
    "In practice, teams find that clear defaults prevent most incidents.",
    "An example makes the difference visible: the same request, sent twice, should have one effect.",
    "Compare the result with what you expected, and investigate every difference.",
    "Limits protect everybody, including the people who complain about them.",
    "Under load the slowest dependency sets the pace for everything else.",
    "That is why a timeout belongs to every call that leaves the process.",
    "Good error messages tell the reader what to do next.",
    "It is tempting to solve the general case at once, but the specific one teaches you more.",
    "Documentation is part of the product, so it should be tested like the product.",
    "Small batches are easier to review, easier to revert and easier to explain.",
    "The interface should say what is promised and leave out how it is done.",
    "Observability means that a question about yesterday can be answered today.",
    "Queues hide problems until they are full, so watch their length.",
    "A gradual rollout turns a large risk into many small ones.",
    "Security works best when the safe way is also the easy way.",
    "Consistency between similar features saves more time than cleverness in one of them.",
    "Start with the readers of the data and work backwards to its writers.",
    "It is worth separating what changes often from what hardly ever changes.",
    "The numbers look different for short and for long requests, so keep them apart.",
    "Averages hide the slow cases that users remember.",
    "When two components disagree, the one closer to the facts should win.",
    "A good test fails for one reason only and says which one.",
    "Streaming the answer makes the wait feel shorter even if the total stays the same.",
    "Capacity should be planned for the busiest minute, not for the average day.",
    "Fewer moving parts also mean fewer surprises during an upgrade.",
    "The configuration deserves the same care as the code, since both decide what happens.",
    "Prefer a clear failure over a result that only looks right.",
    "Once the basics are in place, automation pays for itself quickly.",
    "It often turns out that the hard part is agreeing on the words.",
    "Reading existing solutions first is rarely a waste of time.",
    "A second look at the requirements usually removes half of the work.",
    "Every shortcut should be written down together with the condition under which it breaks.",
    "People trust a system that explains its decisions.",
    "The order of the steps matters less than being able to undo each of them.",
    "Budgets are easier to keep when everyone can see what has been spent.",
    "Context is everything: the right choice for a prototype may be wrong for production.",
    "Ask what happens when the same thing arrives twice, late, or not at all.",
    "Models differ in style, but the structure of a good answer is always similar.",
    "This approach scales well as long as the shared state stays small.",
    "Another option is to move the decision to the edge, where more is known about the user.",
    "Finally, leave room for the case that nobody has thought of yet.",
)

STEPS: Final = (
    "Write down the goal in one sentence.",
    "Collect a few real examples.",
    "Build the smallest thing that handles them.",
    "Measure it under realistic load.",
    "Fix the slowest step and measure again.",
    "Add monitoring before you add features.",
    "Review the result with the people who will use it.",
)

CLOSINGS: Final = (
    "Let me know if you would like an example.",
    "I hope this helps.",
    "If you tell me more about your setup, I can be more specific.",
    "That should be enough to get started.",
    "Would you like me to go deeper into any of these points?",
)

THOUGHTS: Final = (
    "The user asks about {topic}. I should begin with what they already know.",
    "Let me think about {topic} before I answer.",
    "The question is about {topic}, so a short and practical answer will help most.",
)

_STOP_WORDS: Final = (
    "about and any are can could describe did does each explain for from give have hello how into its let make may more most much must "
    "not our out please say short shortly should some tell than that the their them then there these they this very was what when where "
    "which who why will with words would write you your briefly sentence sentences tokens token word"
)
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
