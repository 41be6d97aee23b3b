import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actFor } from '../src/page/keys';
import { Attendance } from '../src/room/attendance';
import { decimalsOf, extremeWords, heldWords, runbookTitle, valueParts, valueWords } from '../src/room/cardwords';
import { dayOf } from '../src/room/days';
import { doneWords } from '../src/room/donecard';
import { draftOf, draftText, roomLeft, TEXT_MAX } from '../src/room/draft';
import { countedOf } from '../src/room/edge';
import { eventOf, type AlertEvent, type RoomEvent } from '../src/room/event';
import { pinOfAlert } from '../src/room/moment';
import { phaseOf } from '../src/room/phase';
import { PinBoard, pinsOf } from '../src/room/pins';
import type { People } from '../src/room/presence';
import { Redraw } from '../src/room/redraw';
import { readMark, readMarkText } from '../src/room/readmark';
import { Seen } from '../src/room/seen';
import { EMPTY, withEvent, withNewest } from '../src/room/timeline';
import { firingFrom, Trails, TRAIL_STEP_MS, TRAIL_STEPS } from '../src/room/trails';
import { en } from '../src/texts/en';
import { alertOf, type AlertView } from '../src/wire/alert';
import { ruleOf } from '../src/wire/rule';

const NBSP = '\u00a0';
const plain = (words: string): string => words.replaceAll(NBSP, ' ');
const view = (fields: Record<string, unknown>): AlertView => {
  const alert = alertOf({ id: 'f00d', name: 'High', state: 'firing', severity: 'critical', unit: '%', limit: { op: 'above', value: 40 }, ...fields });
  assert.ok(alert);
  return alert;
};
const fired = (at: number, fields: Record<string, unknown> = {}): AlertEvent => ({ kind: 'alert', key: `alert:${at}`, offset: at, at, alert: view({ fired: at, since: at - 60_000, ...fields }) });

test('a value keeps its decimals, and a prefix goes to the unit', () => {
  const shownOf = (value: number, fields: Record<string, unknown>): string => plain(valueWords(value, view(fields), en));
  assert.equal(shownOf(9.87, {}), '9.9 %');
  assert.equal(shownOf(61.34, {}), '61.3 %');
  assert.equal(shownOf(9.876, { unit: '', limit: { op: 'above', value: 8 } }), '9.88');
  assert.equal(shownOf(1.23e9, { unit: 'B', limit: { op: 'below', value: 2e9 } }), '1.23 GB');
  assert.equal(shownOf(13_200, { unit: 's', limit: { op: 'below', value: 14_400 } }), '3 h 40 m');
  assert.equal(plain(valueWords(null, view({}), en)), '– %');
  assert.deepEqual(valueParts(61.3, view({}), en), ['61.3', '%']);
  assert.equal(decimalsOf(view({ unit: '', limit: { op: 'present' } })), null);
});

test('an alert about data that is not there says so, with no unit', () => {
  assert.equal(valueWords(Number.NaN, view({ nodata: true, value: 'NaN' }), en), 'no data');
  assert.equal(valueWords(null, view({ nodata: true }), en), 'no data');
  assert.equal(plain(valueWords(12, view({ nodata: true }), en)), '12.0 %');
  assert.equal(extremeWords(view({ nodata: true, extreme: { value: 'NaN', at: 5 } }), en), '');
});

test('of two severities of one series, the one that is over says which it is, and what still fires', () => {
  const labels = { alertname: 'High', host: 'web' };
  const over = fired(200_000, { state: 'resolved', since: 100_000, labels: { ...labels, severity: 'critical' }, rule: 'r' });
  const warning = (fields: Record<string, unknown>): AlertView => view({ id: 'w', rule: 'r', severity: 'warning', since: 90_000, labels: { ...labels, severity: 'warning' }, ...fields });
  const words = (limits: number, all: readonly AlertView[]): string => {
    const rule = ruleOf({ id: 'r', name: 'High', limits: Array.from({ length: limits }, () => ({ severity: 'warning', op: 'above', value: 1 })) });
    return doneWords(over, { rules: new Map(rule ? [['r', rule]] : []), all: () => all }, en);
  };
  assert.equal(words(1, []), 'resolved');
  assert.equal(words(2, []), 'critical is over');
  assert.equal(words(2, [over.alert, warning({})]), 'critical is over, warning fires');
  for (const other of [{ state: 'resolved' }, { since: 300_000 }, { rule: 'other' }, { labels: { ...labels, host: 'db', severity: 'warning' } }]) assert.equal(words(2, [warning(other)]), 'critical is over');
});

test('limits and what was reached, in words', () => {
  assert.equal(plain(heldWords(view({ for: 60_000 }), en)), 'over 40 % for 1 m');
  assert.equal(plain(heldWords(view({ for: 0, limit: { op: 'below', value: 10 } }), en)), 'under 10 %');
  const at = new Date(2026, 0, 1, 2, 51, 40).getTime();
  const reached = (op: string, value: number, limit: Record<string, unknown> = {}): string => plain(extremeWords(view({ limit: { op, value: 10, ...limit }, extreme: { value, at } }), en));
  assert.equal(reached('below', 6.8), 'least 6.8 % at 02:51:40');
  assert.equal(reached('above', 61.3), 'most 61.3 % at 02:51:40');
  assert.equal(reached('outside', 3, { high: 20 }), 'least 3.0 % at 02:51:40');
  assert.equal(reached('outside', 30, { high: 20 }), 'most 30.0 % at 02:51:40');
  assert.equal(extremeWords(view({}), en), '');
});

test('a long address is cut in the middle', () => {
  assert.equal(runbookTitle('https://example.org/a/'), 'example.org/a');
  assert.ok(runbookTitle(`https://example.org/${'x'.repeat(90)}/end`).length <= 48);
});

test('a card fires until something says that it does not', () => {
  const event = fired(100_000);
  const phase = (now: AlertView | undefined, known: boolean, time: number, ended: AlertEvent | null = null): string => {
    const found = phaseOf(event, ended, now, known, time);
    return found.kind === 'firing' ? 'firing' : `over ${found.resolved ?? '?'}`;
  };
  assert.equal(phase(undefined, false, 900_000), 'firing');
  assert.equal(phase(undefined, true, 101_000), 'firing');
  assert.equal(phase(undefined, true, 900_000), 'over ?');
  assert.equal(phase(view({ fired: 103_000 }), true, 900_000), 'firing');
  assert.equal(phase(view({ fired: 600_000 }), true, 900_000), 'over ?');
  assert.equal(phase(view({ state: 'resolved', fired: 100_000, resolved: 200_000 }), true, 201_000), 'over 200000');
  assert.equal(phase(view({ state: 'resolved', fired: 10_000, resolved: 50_000 }), true, 101_000), 'firing');
  assert.equal(phase(view({ fired: 100_000 }), true, 900_000, fired(300_000, { state: 'resolved', resolved: 290_000 })), 'over 290000');
  assert.equal(phase(view({ fired: 300_000 }), true, 900_000, fired(300_000)), 'over ?');
});

test('drafts come back, and what is none is empty', () => {
  const pin = { panel: 'disk', time: 5 };
  assert.deepEqual(draftOf(draftText('a\nb', pin)), { text: 'a\nb', pin });
  assert.equal(draftText('', null), '');
  for (const kept of [null, '', '{', '[]', '7']) assert.deepEqual(draftOf(kept), { text: '', pin: null });
  assert.equal(roomLeft('🦊'.repeat(10)), TEXT_MAX - 10);
  assert.equal(roomLeft('x'.repeat(TEXT_MAX + 2)), -2);
});

test('a read mark is of its own stream alone', () => {
  assert.equal(readMark(readMarkText('e', 7), 'e'), 7);
  assert.equal(readMark(readMarkText('e', 7), 'f'), null);
  for (const kept of [null, '', 'x', '3']) assert.equal(readMark(kept, ''), null);
});

const OLENA = { id: 'o', name: 'Olena' };
const comment = (offset: number, fields: Record<string, unknown> = {}): RoomEvent => {
  const event = eventOf({ type: 'comment', id: `c${offset}`, at: offset, by: OLENA, text: 'x', ...fields }, offset);
  assert.ok(event);
  return event;
};

test('unread: what others wrote and alerts, not one’s own, and what is not loaded', () => {
  let kept: string | null = readMarkText('e', 1);
  const seen = new Seen({ read: () => kept, write: text => { kept = text; } }, event => 'by' in event && event.by.id === 'me');
  const events = [comment(1), comment(2), comment(3, { by: { id: 'me', name: 'Me' } }), fired(4), fired(5, { state: 'pending' })];
  let line = withNewest(EMPTY, { epoch: 'e', newest: 5, events, complete: true });
  seen.opened(line, 5);
  assert.deepEqual([seen.count(line), seen.mark], [2, 1]);
  seen.sighted(true, line);
  assert.deepEqual([seen.count(line), seen.mark, kept], [0, 1, readMarkText('e', 5)]);
  seen.sighted(false, line);
  line = withEvent(line, comment(6));
  seen.heard(comment(6), line);
  assert.equal(seen.count(line), 1);
  assert.equal(seen.count({ ...line, toEnd: false, newest: 9 }), 4);
});

test('pins stand by panel, and charts hear of another pin only', () => {
  const pinned = (offset: number, panel: string): RoomEvent => comment(offset, { pin: { panel, time: offset * 10 } });
  const pins = pinsOf([pinned(1, 'disk'), comment(2), pinned(3, 'disk'), pinned(4, 'cpu'), fired(5)]);
  assert.deepEqual(pins.get('disk')?.map(pin => pin.time), [10, 30]);
  const board = new PinBoard();
  let changed = 0;
  board.changed = () => { changed++; };
  board.set(pins);
  board.set(pinsOf([pinned(1, 'disk'), pinned(3, 'disk'), pinned(4, 'cpu')]));
  assert.equal(changed, 1);
  board.set(pinsOf([pinned(1, 'disk')]));
  assert.deepEqual([changed, board.of('disk').length, board.of('cpu').length], [2, 1, 0]);
});

test('a comment on an alert is about the first of its panels that is here', () => {
  const alert = view({ fired: 7, panels: { host: ['gone', 'disk'] } });
  assert.deepEqual(pinOfAlert(alert, 'host', id => (id === 'disk' ? 'Disk' : null)), { panel: 'disk', time: 7 });
  assert.equal(pinOfAlert(alert, 'other', () => 'x'), null);
});

test('the rail counts what fires here and is not held back', () => {
  const alerts = [view({ id: 'a', severity: 'warning', rooms: ['host'], fired: 9 }), view({ id: 'b', rooms: ['host'], fired: 1 }), view({ id: 'c', rooms: ['other'] }), view({ id: 'd', rooms: ['host'], silences: ['s'] }), view({ id: 'e', rooms: ['host'], inhibited: true }), view({ id: 'f', rooms: ['host'], state: 'pending' }), view({ id: 'g', rooms: ['host'], fired: 5 })];
  assert.deepEqual(countedOf(alerts, 'host').map(alert => alert.id), ['g', 'b', 'a']);
});

test('local days', () => {
  const evening = new Date(2026, 5, 1, 23, 59, 59).getTime();
  assert.equal(dayOf(evening) + 1, dayOf(evening + 1_000));
  assert.equal(dayOf(new Date(2026, 5, 1, 0, 0, 1).getTime()), dayOf(evening));
});

test('who came and who left, once for a person, never oneself', async () => {
  const told: People[] = [];
  const visits: string[] = [];
  const present = [{ client: '1', user: 'o', name: 'Olena' }, { client: 'me', user: '', name: '' }, { client: 'old', user: '', name: '' }];
  const attendance = new Attendance({ presence: () => Promise.resolve(present) }, {
    changed: people => told.push(people), visited: visit => visits.push(`${visit.name} ${visit.came ? 'came' : 'left'}`), now: () => 1, me: () => 'm', named: (before, who, name) => visits.push(`${before} is ${who} ${name}`),
  });
  attendance.connected('old');
  attendance.connected('me');
  await attendance.joined();
  assert.deepEqual([told.at(-1)?.named.map(one => one.name), told.at(-1)?.unnamed, told.at(-1)?.youUnnamed], [['Olena'], 0, true]);
  attendance.came({ client: '2', user: 'o', name: 'Olena' });
  attendance.came({ client: '2', user: 'o', name: 'Olena T.' });
  attendance.left({ client: '1', user: 'o', name: '' });
  attendance.came({ client: 'me', user: 'm', name: 'Me' });
  attendance.came({ client: 'tab', user: 'm', name: 'Me' });
  attendance.came({ client: '3', user: '', name: '' });
  attendance.came({ client: '3', user: 'i', name: 'Iryna' });
  assert.deepEqual(visits.splice(0), ['client me is person m Me', ' came', 'client 3 is person i Iryna']);
  attendance.left({ client: '2', user: 'o', name: '' });
  attendance.left({ client: 'tab', user: 'm', name: '' });
  assert.deepEqual(visits, ['Olena T. left']);
  assert.deepEqual(told.at(-1)?.named.map(one => `${one.name} ${one.you}`), ['Me true', 'Iryna false']);
});

test('names of a fold, few words for many', () => {
  const { names, came, went } = en.talk;
  assert.equal(`${came(names(['Marek', 'Sam', 'Olena'], 0))}, ${went(names(['Iryna'], 0))}`, 'Marek and 2 others joined, Iryna left');
  assert.equal(names(['Marek'], 1), 'Marek and 1 unnamed');
  assert.equal(names([], 2), '2 unnamed');
  assert.equal(en.talk.typing(['Olena']), 'Olena is typing…');
});

test('m writes, c comments at the crosshair', () => {
  const did: string[] = [];
  const acts = { find: () => undefined, help: () => undefined, write: () => did.push('m'), comment: () => did.push('c') };
  actFor('m', false, acts)?.();
  actFor('c', false, acts)?.();
  assert.deepEqual(did, ['m', 'c']);
});

test('a trail has its past from one question, and goes on with what comes', async () => {
  const asked: unknown[] = [];
  const now = 10_000 * TRAIL_STEP_MS;
  const trails = new Trails((_, request) => {
    asked.push(request);
    return Promise.resolve({ step: TRAIL_STEP_MS, series: [{ __name__: 'm', host: 'other' }, { __name__: 'm', host: 'web' }], t: [now - TRAIL_STEP_MS, now], v: [[1, 2], [3, 4]] });
  });
  const alert = view({ where: { host: 'web' }, fired: now - 2 * TRAIL_STEP_MS });
  trails.of(alert, 'm', 9, now);
  await new Promise(resolve => setTimeout(resolve, 0));
  assert.deepEqual(trails.of(alert, 'm', 9, now).slice(-3), [Number.NaN, 3, 9]);
  assert.deepEqual(trails.of(alert, 'm', 7, now + 2 * TRAIL_STEP_MS).slice(-4), [3, 9, Number.NaN, 7]);
  assert.equal(trails.of(alert, 'm', 1, now + 5_000 * TRAIL_STEP_MS).filter(value => value === value).length, 1);
  assert.deepEqual(asked, [{ expr: 'm', start: now - (TRAIL_STEPS - 1) * TRAIL_STEP_MS, end: now, step: TRAIL_STEP_MS }]);
  assert.equal(firingFrom(alert, now), TRAIL_STEPS - 3);
  assert.equal(firingFrom(view({ fired: 1 }), now), 0);
});

test('the time line is written at once, rests after it in proportion, and seldom when nobody sees it', async () => {
  let [now, written, cost] = [1_000, 0, 30];
  const waits: [number, () => void][] = [];
  const root = { hidden: false };
  const redraw = new Redraw(root as Document, (ms, act) => waits.push([ms, act]), () => { written++; now += cost; }, () => now);
  redraw.ask();
  redraw.ask();
  assert.deepEqual([written, redraw.isPending], [0, true], 'after all that happens together');
  await Promise.resolve();
  assert.deepEqual([written, redraw.isPending, waits.length], [1, false, 0]);
  redraw.ask();
  await Promise.resolve();
  assert.deepEqual([written, waits.map(([ms]) => ms)], [1, [60]], 'twice as long as it took');
  waits.pop()?.[1]();
  assert.equal(written, 2);
  [now, cost] = [now + 60, 900];
  redraw.ask();
  await Promise.resolve();
  redraw.ask();
  assert.deepEqual([written, waits.pop()?.[0]], [3, 100], 'but not for ever');
  root.hidden = true;
  const idle = new Redraw(root as Document, (ms, act) => waits.push([ms, act]), () => written++, () => now);
  idle.ask();
  assert.equal(waits.pop()?.[0], 1_000);
});
