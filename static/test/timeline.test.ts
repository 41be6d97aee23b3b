import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withAhead } from '../src/room/ahead';
import { eventOf, type RoomEvent } from '../src/room/event';
import { isPlaced, rowsOf, sumOf } from '../src/room/rows';
import { EMPTY, isStored, trimmed, withEvent, withNamed, withNewer, withNewest, withOlder, withOwn, type Page, type TimeLine, type VisitEntry } from '../src/room/timeline';
import { alertOf, type AlertView } from '../src/wire/alert';
import { heard, opened, sighted, type Unread } from '../src/room/unread';

const OLENA = { id: 'a'.repeat(16), name: 'Olena' };
const comment = (offset: number, id = `c${offset}`): RoomEvent => {
  const event = eventOf({ type: 'comment', id, at: offset * 1000, by: OLENA, text: `words ${offset}` }, offset);
  assert.ok(event);
  return event;
};
const alert = (offset: number, state: string, id = 'f00d'): RoomEvent => {
  const event = eventOf({ type: 'alert', id: `${id}-${offset}`, at: offset * 1000, alert: { id, name: 'High', state } }, offset);
  assert.ok(event);
  return event;
};
const page = (from: number, to: number, newest: number, complete = false, epoch = 'e'): Page => ({
  epoch, newest, complete, events: Array.from({ length: to - from + 1 }, (_, i) => comment(from + i)),
});
const visit = (at: number, name: string, came: boolean, who = name): VisitEntry => ({ kind: 'visit', key: `v${at}${who}`, at, who, name, came });
const offsets = (line: TimeLine): number[] => line.entries.map(entry => (isStored(entry) ? entry.offset : -entry.at));

test('events are parsed at the edge, and what is none is left out', () => {
  assert.equal(eventOf(null, 1), null);
  assert.equal(eventOf({ type: 'comment', id: 'x', at: 1 }, 1), null);
  assert.equal(eventOf({ type: 'else', id: 'x', at: 1, by: OLENA }, 1), null);
  assert.equal(eventOf({ type: 'silence', id: 'x', at: 1, by: OLENA }, 1), null);
  const event = eventOf({ type: 'comment', id: 'x', at: 1, by: OLENA, text: 'a', pin: { panel: 'disk', time: 5 } }, 7);
  assert.deepEqual(event, { kind: 'comment', key: 'comment:x', id: 'x', offset: 7, at: 1, by: OLENA, text: 'a', pin: { panel: 'disk', time: 5 } });
  assert.equal(eventOf({ type: 'ack', id: 'x', at: 1, by: OLENA, alert: 'f', name: 'High' }, 1)?.kind, 'ack');
});

test('each event is here once, in the order of the stream', () => {
  let line = withNewest(EMPTY, page(3, 5, 5));
  line = withEvent(line, comment(7));
  line = withEvent(line, comment(6));
  assert.equal(withEvent(line, comment(6)), line);
  assert.equal(withEvent(line, comment(9, 'c6')).entries, line.entries);
  assert.deepEqual(offsets(line), [3, 4, 5, 6, 7]);
});

test('older pages join before, until the room begins', () => {
  let line = withNewest(EMPTY, page(5, 8, 8));
  assert.equal(line.fromStart, false);
  line = withOlder(line, page(3, 4, 8));
  line = withOlder(line, page(1, 2, 8, true));
  assert.deepEqual(offsets(line), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(line.fromStart, true);
  assert.equal(withOlder(line, page(1, 2, 8, true, 'other')), line);
});

test('a newest page that reaches what is here joins it; one that does not takes its place, own lines stay', () => {
  const own = { kind: 'session' as const, key: 's', at: 2500, glyph: 'g-none', words: 'Not connected' };
  const line = withOwn(withNewest(EMPTY, page(1, 3, 3, true)), own);
  assert.deepEqual(offsets(withNewest(line, page(3, 6, 6))), [1, 2, -2500, 3, 4, 5, 6]);
  assert.deepEqual(offsets(withNewest(line, page(4, 6, 6))), [1, 2, -2500, 3, 4, 5, 6]);
  const far = withNewest(line, page(60, 62, 62));
  assert.deepEqual(offsets(far), [-2500, 60, 61, 62]);
  assert.equal(far.fromStart, false);
  assert.deepEqual(offsets(withNewest(line, page(1, 2, 2, true, 'new'))), [1, 2, -2500]);
});

test('own lines stand by their time, whenever events come', () => {
  let line = withNewest(EMPTY, page(1, 2, 2, true));
  line = withOwn(line, visit(3500, 'Marek', true));
  line = withEvent(line, comment(4));
  line = withEvent(line, comment(3));
  assert.deepEqual(offsets(line), [1, 2, 3, -3500, 4]);
});

test('dropped ends are known as such, and load again', () => {
  const all = withNewest(EMPTY, page(1, 9, 9, true));
  const old = trimmed(all, 3, 'old');
  assert.deepEqual([offsets(old)[0], old.fromStart, old.toEnd], [4, false, true]);
  const cut = trimmed(all, 4, 'new');
  assert.deepEqual([cut.entries.length, cut.fromStart, cut.toEnd], [5, true, false]);
  const more = withEvent(cut, comment(10));
  assert.deepEqual([more.entries.length, more.newest], [5, 10]);
  const back = withNewer(more, page(6, 10, 10, true));
  assert.deepEqual([offsets(back).at(-1), back.toEnd], [10, true]);
});

test('rows: the day first, the time after a quiet, what is new, and visits in one line', () => {
  let line = withNewest(EMPTY, page(1, 2, 2, true));
  line = withOwn(line, visit(2100, 'Marek', true));
  line = withOwn(line, visit(2200, 'Iryna', true));
  line = withEvent(line, comment(2000));
  const rows = rowsOf(line, 1, at => (at < 1500 ? 1 : 2));
  assert.deepEqual(rows.map(row => row.kind), ['start', 'day', 'comment', 'day', 'new', 'comment', 'visits', 'time', 'comment']);
  assert.equal(new Set(rows.map(row => row.key)).size, rows.length);
});

test('an alert that fired is ended by the next event of the same alert', () => {
  let line = EMPTY;
  for (const event of [alert(1, 'pending'), alert(2, 'firing'), alert(3, 'firing', 'beef'), alert(4, 'resolved'), alert(5, 'firing')]) line = withEvent(line, event);
  const ends = rowsOf(line, null, () => 1).flatMap(row => (row.kind === 'alert' ? [row.ended?.offset ?? null] : []));
  assert.deepEqual(ends, [null, 4, null, null, null]);
});

test('a fold names each visitor by what they did last', () => {
  const sum = sumOf([visit(1, 'Marek', true), visit(2, 'Iryna', true), visit(3, 'Iryna', false), visit(4, '', true, 'client x'), visit(5, 'Marek', false), visit(6, 'Marek', true)]);
  assert.deepEqual(sum, { came: ['Marek'], left: ['Iryna'], unnamedCame: 1, unnamedLeft: 0 });
});

const stands = (more: object): AlertView => {
  const view = alertOf({ id: 'f00d', name: 'High', state: 'firing', since: 4000, fired: 5000, rooms: ['host'], ...more });
  assert.ok(view);
  return view;
};

test('what fires stands before its event is stored, and is the same row afterwards', () => {
  const line = withNewest(EMPTY, { epoch: 'e', newest: 2, events: [comment(1), alert(2, 'pending')], complete: true });
  const ahead = rowsOf(withAhead(line, [stands({})], 'host'), null, () => 1);
  const event = eventOf({ type: 'alert', id: 'f00d-3', at: 5100, alert: { id: 'f00d', name: 'High', state: 'firing', fired: 5000 } }, 3);
  assert.ok(event);
  const told = withEvent(line, event);
  assert.equal(withAhead(told, [stands({})], 'host'), told);
  const rows = rowsOf(told, null, () => 1);
  assert.deepEqual(ahead.map(row => row.key), rows.map(row => row.key));
  assert.deepEqual(ahead.map(row => row.kind), ['start', 'day', 'comment', 'alert', 'alert']);
});

test('nothing stands ahead that is told, over, elsewhere, outranked, or in pages that are not here', () => {
  const whole = withNewest(EMPTY, page(1, 8, 8, true));
  const rest = withNewest(EMPTY, page(6, 8, 8));
  const adds = (line: TimeLine, more: object): boolean => withAhead(line, [stands(more)], 'host') !== line;
  assert.equal(adds(whole, {}), true);
  assert.equal(adds(EMPTY, {}), false);
  assert.equal(adds(whole, { state: 'pending' }), false);
  assert.equal(adds(whole, { state: 'resolved' }), false);
  assert.equal(adds(whole, { rooms: ['other'] }), false);
  assert.equal(adds(whole, { inhibited: true }), false);
  assert.equal(adds(rest, {}), false);
  assert.equal(adds(rest, { fired: 7000 }), true);
  assert.equal(adds(trimmed(whole, 1, 'new'), {}), false);
  assert.equal(adds(withEvent(whole, alert(9, 'resolved')), { fired: 8999 }), false);
  assert.equal(adds(withEvent(whole, alert(9, 'resolved')), { fired: 9500 }), true);
});

const START: Unread = { read: null, mark: null, inSight: false };

test('what this device never read is not new', () => {
  assert.deepEqual(opened(START, null, 40, 40), { read: 40, mark: null, inSight: false });
});

test('what happens while the first page is on its way is new', () => {
  assert.deepEqual(opened(START, null, 42, 40), { read: 40, mark: 40, inSight: false });
  assert.deepEqual(opened(START, 41, 42, 40), { read: 41, mark: 41, inSight: false });
  assert.equal(opened({ ...START, inSight: true }, null, 42, 40).read, 42);
});

test('what came since the last visit is new, and read once it is in sight; the line stays', () => {
  let unread = opened(START, 30, 40, 40);
  assert.deepEqual([unread.read, unread.mark], [30, 30]);
  unread = sighted(unread, true, 40);
  assert.deepEqual([unread.read, unread.mark], [40, 30]);
  unread = heard(unread, 41, false);
  assert.deepEqual([unread.read, unread.mark], [41, 30]);
  unread = heard(heard(sighted(unread, false, 41), 42, false), 43, false);
  assert.deepEqual([unread.read, unread.mark], [41, 41]);
});

test('one’s own words are read, unless others’ stand before them', () => {
  const unread = opened(START, 40, 40, 40);
  assert.equal(heard(unread, 41, true).read, 41);
  assert.equal(heard(heard(unread, 41, false), 42, true).read, 40);
});

test('the row of a day keeps its key when older events of the day join, and every key is there once', () => {
  const daily = (line: TimeLine): string[] => rowsOf(line, null, at => Math.floor(at / 4000)).filter(row => row.kind === 'day').map(row => row.key);
  const line = withNewest(EMPTY, page(6, 9, 9));
  assert.deepEqual(daily(line), ['day 1', 'day 2']);
  assert.deepEqual(daily(withOlder(line, page(1, 5, 9, true))), ['day 0', 'day 1', 'day 2']);
  const setBack = { ...line, entries: [comment(1), comment(5), { ...comment(6), at: 1000 }, { ...comment(7), at: 5000 }] };
  assert.equal(new Set(daily(setBack)).size, 4);
  assert.deepEqual(rowsOf(line, 6, () => 0).filter(isPlaced).map(row => row.kind), ['comment', 'comment', 'comment', 'comment']);
});

test('an ack and the reason that its person gives soon after are one line', () => {
  const ack = (offset: number, reason: string, by = OLENA, type = 'ack', alertId = 'f'): RoomEvent => {
    const event = eventOf({ type, id: `a${offset}`, at: offset * 1000, by, alert: alertId, name: 'High', reason }, offset);
    assert.ok(event);
    return event;
  };
  const deeds = (...events: RoomEvent[]): string[] => rowsOf(withNewest(EMPTY, { epoch: 'e', newest: 99, events, complete: true }), null, () => 0)
    .flatMap(row => (row.kind === 'deed' && 'reason' in row.event ? [`${row.key} ${row.event.kind} ${row.event.reason}`] : []));
  assert.deepEqual(deeds(ack(1, ''), comment(2), ack(3, 'works')), ['ack:a1 ack works']);
  assert.deepEqual(deeds(ack(1, ''), ack(62, 'late')), ['ack:a1 ack ', 'ack:a62 ack late']);
  assert.equal(deeds(ack(1, ''), ack(2, 'x', { id: 'b', name: 'Marek' })).length, 2);
  assert.equal(deeds(ack(1, ''), ack(2, 'x', OLENA, 'ack', 'other')).length, 2);
  assert.equal(deeds(ack(1, ''), ack(2, '', OLENA, 'unack'), ack(3, 'x')).length, 3);
});

test('who came unnamed has the name that they gave afterwards', () => {
  const line = withOwn(withOwn(EMPTY, visit(1000, '', true, 'client 1')), visit(2000, '', true, 'client 2'));
  const named = withNamed(line, 'client 1', 'person o', 'Olena');
  assert.deepEqual(named.entries.map(entry => (entry.kind === 'visit' ? `${entry.who} ${entry.name}` : '')), ['person o Olena', 'client 2 ']);
  assert.equal(withNamed(line, 'client 9', 'person o', 'Olena'), line);
});
