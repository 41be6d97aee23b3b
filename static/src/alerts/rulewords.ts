// What the table says of a rule: its state, its value, its last change.
import { shown } from '../data/names';
import { clock, duration } from '../format/time';
import type { Texts } from '../texts/texts';
import type { RuleView, SilenceView } from '../wire/rule';
import type { RuleRow } from './rulerows';
import { silencedUntil } from './silencing';
import { dayOf, limitFor, markOf, type Mark } from './words';

const DAY_MS = 86_400_000;

/** Gives the mark of a rule: its worst alert's without the length of time, which stands beside it. */
export function ruleMark(row: RuleRow, now: number, texts: Texts): Mark {
  const words = texts.alerts;
  const [worst] = row.live;
  const quiet = (glyph: string, said: string): Mark => ({ glyph, tone: 'text-2', solid: false, words: said });
  switch (row.kind) {
    case 'firing': {
      if (!worst) return { glyph: 'g-warning', tone: 'is-warning', solid: true, words: words.firing };
      const mark = markOf(worst, now, null, texts);
      return mark.solid ? { ...mark, words: words.firing } : mark;
    }
    case 'pending': return { glyph: 'g-pending', tone: 'is-pending', solid: false, words: words.pending };
    case 'silenced': return quiet('g-silenced', words.silenced);
    case 'nodata': return quiet('g-none', words.noData);
    case 'error': return quiet('i-wrong', words.error);
    case 'ok': return quiet('g-ok', words.ok);
  }
}

/** Gives the limit that a rule is held against now, with its `for`: of the severity that fires, or the least. */
export function ruleLimit(row: RuleRow, texts: Texts): string {
  const limit = row.rule.limits.find(one => one.severity === row.live[0]?.severity) ?? row.rule.limits[0];
  return limit ? limitFor(limit, row.rule.unit, row.rule.for, texts) : '';
}

/** Gives when a rule changed its state last, and a second line about it. */
export function changedWords(row: RuleRow, silences: ReadonlyMap<string, SilenceView>, now: number, texts: Texts): readonly [string, string] {
  const words = texts.alerts;
  const [worst] = row.live;
  const at = row.kind === 'firing' ? worst?.fired ?? row.rule.changed : row.rule.changed ?? worst?.since ?? null;
  if (at === null) return [words.never, ''];
  const first = new Date(at).toDateString() === new Date(now).toDateString() || now - at < DAY_MS ? clock(at) : dayOf(at, texts);
  if (row.kind === 'pending' && worst) return [first, words.firesAt(clock(worst.since + worst.for))];
  if (row.kind === 'silenced' && worst) {
    const until = silencedUntil(worst, silences);
    const by = silences.get(worst.silences[0] ?? '')?.by?.name;
    return [first, until === null ? '' : words.untilBy(clock(until).slice(0, 5), shown(by ?? ''))];
  }
  return [first, now - at < DAY_MS ? words.ago(duration(now - at, texts.units)) : ''];
}

/** Gives where a rule's alerts go: titles of rooms. */
export function goesTo(rule: RuleView, titles: ReadonlyMap<string, string>, texts: Texts): string {
  return rule.rooms.length === 0 ? texts.alerts.rooms.none : rule.rooms.map(id => shown(titles.get(id) ?? id)).join(', ');
}
