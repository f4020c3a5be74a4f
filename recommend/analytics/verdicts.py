"""What an experiment lets one say, in sentences: who is better, or that it is not known yet and what it would take."""

from recommend.analytics.experiments import LEAST, Interleaved, Result


def verdict(result: Result, names: dict[str, str]) -> list[str]:
    """What can be said, the most important first; plainly where nothing can."""
    if result.is_uneven:
        return [
            "The arms are no fair halves, so nothing can be concluded.",
            f"{result.a.visitors:,} visitors met A and {result.b.visitors:,} met B; by chance that comes about once in "
            f"{1 / max(result.mismatch, 1e-12):,.0f} times. Look for what loses visitors or searches of one arm.",
        ]
    if result.difference is None or not result.is_enough:
        return [
            "Not known yet.",
            f"{result.searches:,} searches are too few to say anything: at least {LEAST} of each arm.",
        ]
    interval = result.difference.interval
    span = (
        f"B less A is {interval.value:+.2%} of the searches, with 95 % confidence {interval.low:+.2%} to "
        f"{interval.high:+.2%}."
    )
    if result.winner:
        return [f"{names[result.winner]} is better.", span]
    needed = result.searches_needed
    more = (
        f"If the difference is what it looks like, {needed:,} more searches would show it (with a chance of 80 %)."
        if needed is not None
        else "Both arms did equally well, so nobody can say how many searches would show a difference."
    )
    return [
        "Not known yet: both could be the better one.",
        span,
        more,
        f"A true difference of {result.difference.smallest_visible:.2%} or more would most likely have shown by now.",
    ]


def verdict_of_mixed(mixed: Interleaved, names: dict[str, str]) -> list[str]:
    """The same of an interleaving."""
    preference, interval = mixed.preference, mixed.preference.interval
    if interval is None or preference.decided < LEAST:
        return [
            "Not known yet.",
            f"{preference.decided:,} visitors clicked more on one team's hits than on the other's; at least {LEAST} "
            "are needed to say anything.",
        ]
    span = (
        f"{interval.value + 0.5:.1%} of the visitors who decided prefer B, with 95 % confidence "
        f"{interval.low + 0.5:.1%} to {interval.high + 0.5:.1%} (sign test: p = {preference.p:.3f})."
    )
    if mixed.winner:
        return [f"{names[mixed.winner]} is better.", span]
    needed = mixed.searches_needed
    more = (
        f"If the preference is what it looks like, {needed:,} more searches would show it (with a chance of 80 %)."
        if needed is not None
        else "As many prefer the one as the other, so nobody can say how many searches would show a preference."
    )
    return ["Not known yet: both could be the better one.", span, more]
