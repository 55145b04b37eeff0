"""The report of a run, as Markdown and as a plot."""

import json
import os
import platform
from collections import Counter
from datetime import UTC, datetime

import attrs

from tests.processes import cpu_seconds
from tests.soak.samples import JUDGED_SECONDS, SERIES, slope_of

PLOTTED = ("main", "sqlite", "descriptors", "threads", "wal", "database", "images", "health_ms")
WIDTH, HEIGHT, COLUMNS = 340, 130, 2


@attrs.frozen(kw_only=True)
class Outcome:
    """The data of the report; ``judged`` are the samples of the longest life, after its warm-up."""

    seed: int
    rate: float
    minutes: float
    early: bool
    disk_filled: bool
    tasks: int
    ends: dict
    charges: int
    lives: int
    ended_by: dict
    happened: dict
    answers: Counter
    refusals: Counter
    backups: tuple
    counted: dict
    cores: dict
    log_errors: Counter
    doctor: str
    samples: tuple
    judged: tuple
    broken: tuple

    @classmethod
    def from_run(cls, soak, sampler, faults, load, seconds):
        stage = soak.stage
        return cls(
            seed=soak.seed,
            rate=soak.rate,
            minutes=seconds / 60,
            early=soak.early,
            disk_filled=stage.disk is not None,
            tasks=len(stage.promises.acknowledged),
            ends=_ends(stage.service),
            charges=len(stage.sync.charges()),
            lives=stage.lives,
            ended_by=Counter(how for how, _ in stage.ended_by),
            happened=faults.happened,
            answers=load.answers,
            refusals=load.refusals,
            backups=tuple(dict.fromkeys(load.backups)),
            counted=stage.promises.counted,
            cores={
                "service": stage.cpu_seconds / seconds,
                "vendors": sum(cpu_seconds(v.process.pid) for v in (stage.sync, stage.jobs)) / seconds,
                "callers and bucket": (os.times().user + os.times().system) / seconds,
            },
            log_errors=_log_errors(stage.service.log),
            doctor=stage.promises.doctor.strip(),
            samples=tuple(sampler.samples),
            judged=tuple(sampler.longest_life()),
            broken=tuple(soak.broken),
        )

    def write(self, file):
        """Write the report, and its image beside it."""
        image = file.with_suffix(".svg")
        file.write_text(f"{self.text()}\n![what it took over time]({image.name})\n", encoding="utf-8")
        image.write_text(self.svg(), encoding="utf-8")

    def text(self):
        """Return the report as Markdown."""
        parts = (
            self._head(),
            self._promises(),
            self._slopes(),
            self._faults(),
            self._answers(),
            self._doctor(),
        )
        return "\n".join(parts)

    def _head(self):
        cores = ", ".join(f"{who} {share:.2f}" for who, share in self.cores.items())
        early = ", ended early" if self.early else ""
        return (
            f"{datetime.now(UTC):%Y-%m-%d}, {self.minutes:.0f} minutes{early}, seed {self.seed}, "
            f"{self.rate:g} actions a second; Python {platform.python_version()}, {os.cpu_count()} cores, "
            f"of which were used: {cores}.\n\n"
            f"{self.tasks:,} tasks were acknowledged, {self.charges:,} calls charged; {self.lives} lives "
            f"({_listed(self.ended_by)}).\n"
        )

    def _promises(self):
        if not self.broken:
            return f"Every promise held. Tasks ended as: {_listed(self.ends)}. {_listed(self.counted)}.\n"
        return "\n".join(["**Broken:**", "", *(f"- {sentence}" for sentence in self.broken), ""])

    def _slopes(self):
        if not self.judged:
            return "There was no sample.\n"
        seconds = self.judged[-1].at - self.judged[0].at
        minutes = seconds / 60
        judged = "" if seconds >= JUDGED_SECONDS else ", which is too short to judge what grows"
        summary = f"{minutes:.0f} minutes of it after its warm-up, {len(self.judged)} samples{judged}"
        lines = [
            f"The longest life, {summary}:",
            "",
            "| | lowest | highest | last | an hour | limit |",
            "|---|---|---|---|---|---|",
        ]
        return "\n".join([*lines, *map(self._row, SERIES), f"\n{self._by_task()}"])

    def _row(self, series):
        values = [v for s in self.judged if (v := getattr(s, series.field)) is not None]
        line = slope_of(self.judged, series.field)
        unit = f", {series.unit}" if series.unit else ""
        rate = "–" if line is None else f"{line.per_hour:+.1f} ± {line.noise:.1f}"
        limit = "–" if series.limit is None else f"{series.limit}"
        shown = [f"{value:.1f}" for value in (min(values), max(values), values[-1])] if values else ["–"] * 3
        return f"| {series.words}{unit} | {' | '.join(shown)} | {rate} | {limit} |"

    def _by_task(self):
        first, last = self.judged[0], self.judged[-1]
        if last.tasks == first.tasks:
            return ""
        kb = (last.database - first.database) * 1024 / (last.tasks - first.tasks)
        return f"Tasks are kept for ever: the database grew by {kb:.1f} KB for each.\n"

    def _faults(self):
        full = "" if self.disk_filled else " The disk was never filled: only root can make one for that."
        return f"Faults: {_listed(self.happened)}.{full}\n"

    def _answers(self):
        by_status = Counter()
        for (_, status), number in self.answers.items():
            by_status[status or "no answer"] += number
        by_action = Counter()
        for (action, _), number in self.answers.items():
            by_action[action] += number
        lines = [
            f"Answers: {_listed(dict(by_status.most_common()))}.",
            f"To: {_listed(dict(by_action.most_common()))}.",
        ]
        if self.refusals:
            lines.append(f"What 4xx said: {_listed(dict(self.refusals.most_common()))}.")
        if self.backups:
            lines.append(f"Backups that failed said: {'; '.join(self.backups)}.")
        if self.log_errors:
            lines.append(f"Errors in the log: {_listed(dict(self.log_errors.most_common()))}.")
        return "\n\n".join(lines) + "\n"

    def _doctor(self):
        return f"`imagegen doctor --full` at the end:\n\n```text\n{self.doctor}\n```\n"

    def svg(self):
        """Return plots of some series; grey lines mark starts of the service."""
        rows = -(-len(PLOTTED) // COLUMNS)
        size = f"{WIDTH * COLUMNS} {HEIGHT * rows}"
        panels = [series for series in SERIES if series.field in PLOTTED]
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-size="11">',
                "<style>text { font-family: sans-serif }</style>",
                f'<rect width="{WIDTH * COLUMNS}" height="{HEIGHT * rows}" fill="#ffffff"/>',
                *(
                    self._panel(series, WIDTH * (at % COLUMNS), HEIGHT * (at // COLUMNS))
                    for at, series in enumerate(panels)
                ),
                "</svg>",
                "",
            ]
        )

    def _panel(self, series, x, y):
        points = [(s.at, v, s.life) for s in self.samples if (v := getattr(s, series.field)) is not None]
        if not points:
            return ""
        end, most = max(at for at, *_ in points), max(value for _, value, _ in points) or 1
        low, right = y + HEIGHT - 24, x + WIDTH - 20

        def place(at, value):
            across, up = (right - x - 40) * at / end, (low - y - 24) * value / most
            return f"{x + 40 + across:.1f} {low - up:.1f}"

        parts = [
            f'<text x="{x + 40}" y="{y + 16}">{_words(series)}</text>',
            f'<path d="M{x + 40} {low}H{right}M{x + 40} {y + 24}V{low}" stroke="#999" fill="none"/>',
            f'<text x="{x + 36}" y="{y + 30}" text-anchor="end">{most:.3g}</text>',
            f'<text x="{x + 36}" y="{low}" text-anchor="end">0</text>',
            f'<text x="{right}" y="{low + 14}" text-anchor="end">{end / 60:.0f} min</text>',
        ]
        lives = {}
        for at, value, life in points:
            lives.setdefault(life, []).append(place(at, value))
        for each in lives.values():
            parts.append(f'<path d="M{each[0].split()[0]} {y + 24}V{low}" stroke="#ddd"/>')
            parts.append(f'<path d="M{"L".join(each)}" fill="none" stroke="#4269d0" stroke-width="1.2"/>')
        return "\n".join(parts)


def _words(series):
    words = series.words.replace("`", "")
    return f"{words} ({series.unit})" if series.unit else words


def _listed(counts):
    return ", ".join(f"{name} {number:,}" for name, number in counts.items()) or "none"


def _ends(service):
    sql = """
        SELECT status || coalesce(' (' || json_extract(failure, '$.code') || ')', '') AS ended,
            count(*) AS number
        FROM tasks GROUP BY ended ORDER BY number DESC
    """
    return {row["ended"]: row["number"] for row in service.rows(sql)}


def _log_errors(log):
    """Return how often each event was logged as an error, with the last two lines of an exception."""
    events = Counter()
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            events[line[:120]] += 1
            continue
        if entry.get("level") in ("error", "critical"):
            *_, place, end = ("", "", *entry.get("exception", "").strip().splitlines())
            events[" | ".join(filter(None, (entry.get("event", "").strip(), place.strip(), end)))] += 1
    return events
