import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueAt } from '../src/data/table';
import { answerOf, isRefusal, linesOf, refusalOf, rowsOf } from '../src/explore/answer';
import { metadataOf, storeFactsOf } from '../src/explore/api';
import { fuzzyFind } from '../src/explore/fuzzy';
import { LINES_MAX, tableOf } from '../src/explore/lines';
import { countsQuery, selectorOf } from '../src/explore/metrics';
import { FRESH_MS, KEPT_MAX, Names, NAMES_MAX } from '../src/explore/names';
import { columnsOf, COLUMNS_MAX, csvOf, filtered, seriesText, sorted, type Found } from '../src/explore/rows';
import { EXPR_LETTERS_MAX, hashOf, QUERIES_MAX, stateOf, type ExploreState } from '../src/explore/state';
import { LIVE_POINTS_MAX, LIVE_STEPS, parseStep, POINTS_MAX, pointsOf, stepOf, stepText } from '../src/explore/step';
import { idOf, isDuration, isTomlNumber, panelToml, ruleToml, tomlText } from '../src/explore/toml';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RANGES = ['5m', '15m', '1h'];

test('a step has no more points than the graph has pixels, and is one that the server takes', () => {
  const live = (span: number, width: number, own: number | null = null): number => stepOf({ span, width, own, live: true });
  assert.equal(live(15 * MINUTE, 1200), 1000);
  assert.equal(live(15 * MINUTE, 340), 5000);
  assert.equal(live(24 * HOUR, 1200), 120_000);
  for (const span of [MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR]) {
    for (const width of [280, 340, 900, 1400, 4000]) {
      const step = live(span, width);
      assert.ok(LIVE_STEPS.includes(step), `${span} ${width}`);
      assert.ok(span / step <= Math.min(width, LIVE_POINTS_MAX) || step === LIVE_STEPS.at(-1), `${span} ${width} ${step}`);
    }
  }
  assert.equal(live(24 * HOUR, 1200, 1000), MINUTE, 'one that is too fine is the finest that the server takes');
  assert.equal(live(15 * MINUTE, 1200, 7000), 10_000, 'one that there is not is the next');
  const still = (span: number, own: number | null): number => stepOf({ span, width: 1000, own, live: false });
  assert.equal(still(15 * MINUTE, 7000), 7000);
  assert.ok(pointsOf(240 * HOUR, still(240 * HOUR, 1000)) <= POINTS_MAX + 2);
  assert.ok(still(9000 * 24 * HOUR, null) >= 24 * HOUR);
});

test('steps are read and written as durations', () => {
  for (const [text, ms] of [['', null], ['15', 15_000], ['0.5', 500], ['15s', 15_000], ['1m30s', 90_000], ['1H', HOUR], ['250ms', 250]] as const) assert.equal(parseStep(text), ms, text);
  for (const text of ['0', 's', '1x', '-1s', '1 m', '400d', 'auto']) assert.equal(parseStep(text), undefined, text);
  for (const ms of [1000, 90_000, HOUR, 250, 86_400_000 + 5000]) assert.equal(parseStep(stepText(ms)), ms);
});

test('the address says all of the page, and a wrong one is an empty page', () => {
  const states: ExploreState[] = [
    { queries: [{ expr: 'up{job="a&b"} > 0 # ü', on: true }, { expr: 'rate(x[1m])\n+ 1', on: false }], tab: 'table', range: '1h', stretch: null, step: null },
    { queries: [{ expr: '', on: true }], tab: 'graph', range: '5m', stretch: { from: 1_790_000_000_000, to: 1_790_000_060_000 }, step: 15_000 },
  ];
  for (const state of states) assert.deepEqual(stateOf(hashOf(state), RANGES), state);
  const empty = stateOf('', RANGES);
  assert.deepEqual(empty, { queries: [{ expr: '', on: true }], tab: 'graph', range: '15m', stretch: null, step: null });
  for (const hash of ['#range=9y&tab=pie&step=-1&from=5&to=4', '#step=1e3&from=x&to=99999999999999999', '#%E0%A4%A']) assert.deepEqual(stateOf(hash, RANGES), empty, hash);
  const many = new URLSearchParams(Array.from({ length: QUERIES_MAX + 3 }, (_, i) => ['q', `a${i}`]));
  assert.equal(stateOf(`#${many}`, RANGES).queries.length, QUERIES_MAX);
  assert.deepEqual(stateOf(`#q=${'x'.repeat(EXPR_LETTERS_MAX + 1)}&q=a`, RANGES).queries, [{ expr: 'a', on: true }]);
});

test('a refusal has its place', () => {
  assert.deepEqual(refusalOf('invalid parameter "query": 1:46: parse error: unexpected "*"'), { text: 'unexpected "*"', place: { line: 1, column: 46 } });
  assert.deepEqual(refusalOf('2:3: not implemented yet: x'), { text: 'not implemented yet: x', place: { line: 2, column: 3 } });
  assert.deepEqual(refusalOf('too many samples'), { text: 'too many samples', place: null });
  const answer = answerOf({ status: 'error', errorType: 'bad_data', error: '1:1: parse error: a' }, 'none');
  assert.ok(isRefusal(answer));
  assert.deepEqual(answerOf('<html>', 'none'), { text: 'none', place: null });
});

test('an answer has its rows, its remarks and their places', () => {
  const answer = answerOf({
    status: 'success', warnings: ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)'], infos: ['PromQL info: metric might not be a counter: "a" (1:6)', 'plain'],
    data: { resultType: 'vector', result: [
      { metric: { __name__: 'a', job: 'x' }, value: [1.5, '+Inf'] },
      { metric: { __name__: 'h' }, histogram: [2, { count: '3', sum: '4.5', buckets: [[0, '1', '2', '3']] }] },
    ] },
  }, 'none');
  assert.ok(!isRefusal(answer));
  assert.deepEqual(answer.remarks.map(one => [one.kind, one.place]), [['warning', { line: 1, column: 10 }], ['info', { line: 1, column: 6 }], ['info', null]]);
  assert.equal(answer.remarks[0]?.text, 'quantile value should be between 0 and 1, got 2');
  const [plain, native] = rowsOf(answer);
  assert.deepEqual([plain?.value, plain?.written, plain?.time], [Infinity, '+Inf', 1500]);
  assert.deepEqual(native?.histogram, { count: 3, sum: 4.5, buckets: [{ ends: 0, low: 1, high: 2, count: 3 }] });
  const rows = (resultType: string, result: unknown): unknown => {
    const one = answerOf({ status: 'success', data: { resultType, result } }, 'none');
    return isRefusal(one) ? one : rowsOf(one).map(row => [row.written, row.samples]);
  };
  assert.deepEqual(rows('scalar', [1, '2']), [['2', 1]]);
  assert.deepEqual(rows('string', [1, 'words']), [['words', 1]]);
  assert.deepEqual(rows('matrix', [{ metric: {}, values: [[1, '5'], [2, '6']] }]), [['6', 2]]);
});

test('a range becomes a table by time, and says what is not drawn', () => {
  const answer = answerOf({ status: 'success', data: { resultType: 'matrix', result: [
    { metric: { a: '1' }, values: [[10, '1'], [20, '2']] }, { metric: { a: 'h' }, histograms: [[10, {}]] },
  ] } }, 'none');
  assert.ok(!isRefusal(answer));
  const lines = linesOf(answer);
  const table = tableOf(lines, { from: 0, to: 20_000, step: 10_000 });
  assert.equal(table.series.length, 1);
  assert.deepEqual([0, 1, 2].map(k => valueAt(table, 0, k)), [Number.NaN, 1, 2]);
  assert.equal(lines[1]?.histograms, 1);
  const many = Array.from({ length: LINES_MAX + 7 }, (_, i) => ({ labels: new Map([['a', `${i}`]]), t: [0], v: [i], histograms: 0 }));
  assert.deepEqual([tableOf(many, { from: 0, to: 0, step: 1000 }).series.length, tableOf(many, { from: 0, to: 0, step: 1000 }).more], [LINES_MAX, 7]);
});

const found = (labels: Record<string, string>, written: string, query = 'A'): Found =>
  ({ query, row: { labels: new Map(Object.entries(labels)), time: 1_790_000_000_000, value: Number(written), written, histogram: null, samples: 1 } });

test('rows are sorted and filtered, and series are written as selectors', () => {
  const rows = [found({ __name__: 'a', cpu: '10' }, '3'), found({ __name__: 'a', cpu: '9' }, 'NaN'), found({ __name__: 'a', cpu: '1' }, '-5')];
  const cpus = (list: readonly Found[]): (string | undefined)[] => list.map(({ row }) => row.labels.get('cpu'));
  assert.deepEqual(cpus(sorted(rows, { by: '=cpu', down: false })), ['1', '9', '10'], 'numbers in labels are numbers');
  assert.deepEqual(cpus(sorted(rows, { by: 'value', down: true })), ['10', '1', '9'], 'NaN comes last');
  assert.deepEqual(cpus(sorted(rows, { by: 'value', down: false })), ['1', '10', '9']);
  assert.deepEqual(cpus(filtered(rows, ' CPU="1 a ')), ['10', '1']);
  assert.equal(seriesText(new Map([['__name__', 'up'], ['job', 'a"b\\']])), 'up{job="a\\"b\\\\"}');
  assert.equal(seriesText(new Map([['__name__', 'my.metric'], ['a.b', 'c']])), '{"my.metric", "a.b"="c"}');
  assert.equal(seriesText(new Map()), '{}');
  assert.deepEqual(columnsOf(rows), ['__name__', 'cpu']);
  assert.equal(columnsOf([found(Object.fromEntries(Array.from({ length: COLUMNS_MAX + 1 }, (_, i) => [`l${i}`, ''])), '1')]), null);
});

test('csv quotes what it must, and no cell is a formula', () => {
  const csv = csvOf([found({ __name__: 'a', x: '=1+1' }, '-2'), found({ __name__: 'b', y: 'q"u,o\nte' }, 'NaN', 'B')]);
  assert.equal(csv, 'query,__name__,x,y,time,value\r\n'
    + "A,a,'=1+1,,2026-09-21T14:13:20.000Z,-2\r\n" + 'B,b,,"q""u,o\nte",2026-09-21T14:13:20.000Z,NaN\r\n');
  const one = found({ __name__: 'h' }, '');
  const wide = csvOf([{ ...one, row: { ...one.row, histogram: { count: 3, sum: 4.5, buckets: [] } } }]);
  assert.equal(wide, 'query,__name__,time,value,count,sum\r\nA,h,2026-09-21T14:13:20.000Z,,3,4.5\r\n');
});

test('TOML holds any text', () => {
  assert.equal(tomlText('plain'), '"plain"');
  assert.equal(tomlText('up{job="a"}'), `'up{job="a"}'`);
  assert.equal(tomlText(`up{job='a'}`), `'''up{job='a'}'''`);
  assert.equal(tomlText('a\n+ b'), `'''\na\n+ b'''`);
  assert.equal(tomlText(`it's'''x`), `"it's'''x"`);
  assert.equal(tomlText(`ends with '`), `"ends with '"`);
  assert.equal(tomlText('\u0001"\\\n\''), `"\\u0001\\"\\\\\\n'"`);
  assert.equal(idOf('Requests / second'), 'requests-second');
  assert.equal(idOf('Запити'), 'panel');
  assert.equal(panelToml({ title: 'CPU', unit: '%', kind: 'line', exprs: ['up{a="b"}', 'x'] }),
    `[[panel]]\nid = "cpu"\ntitle = "CPU"\nunit = "%"\nkind = "line"\n[[panel.query]]\nexpr = 'up{a="b"}'\n[[panel.query]]\nexpr = "x"\n`);
  assert.equal(ruleToml({ name: 'Hot', expr: 'x', side: 'above', limit: '80', severity: 'critical', wait: '5m', unit: '°C' }),
    `[[rule]]\nname = "Hot"\nexpr = "x"\nabove = { critical = 80 }\nfor = "5m"\nunit = "°C"\n`);
  for (const text of ['0', '-1.5', '80', '1e3', '+2']) assert.ok(isTomlNumber(text), text);
  for (const text of ['', '.5', '5.', '01', '1e', 'NaN', '0x1', '1e999']) assert.ok(!isTomlNumber(text), text);
  assert.ok(isDuration('1h30m') && !isDuration('5') && !isDuration('5 m'));
});

test('names are found by some of their letters, best first', () => {
  const names = ['node_load1', 'node_load15', 'node_cpu_seconds_total', 'process_cpu_seconds_total', 'loadable'];
  assert.deepEqual(fuzzyFind(names, 'load', 9).found, ['loadable', 'node_load1', 'node_load15']);
  assert.equal(fuzzyFind(names, 'ncpu', 9).found[0], 'node_cpu_seconds_total');
  assert.deepEqual(fuzzyFind(names, 'xyz', 9), { found: [], all: 0 });
  assert.deepEqual(fuzzyFind(names, '', 2), { found: ['loadable', 'node_cpu_seconds_total'], all: 5 });
  assert.equal(selectorOf('a.b'), '{"a.b"}');
  assert.equal(countsQuery(['a', 'b.c']), 'count by (__name__) ({__name__=~"a|b\\\\.c"})');
});

test('what the editor completes is asked once, with a limit, and not kept for ever', async () => {
  const asked: string[] = [];
  let now = 0;
  let fails = false;
  const names = new Names((path, words) => {
    asked.push(`${path}?${words}`);
    return fails ? Promise.reject(new Error('away')) : Promise.resolve({ status: 'success', data: Array.from({ length: NAMES_MAX + 5 }, (_, i) => `n${i}`) });
  }, () => now);
  const [one, two] = await Promise.all([names.labelNames('up'), names.labelNames('up')]);
  assert.equal(asked.length, 1, 'two at once are one question');
  assert.match(asked[0] ?? '', /limit=1000.*match%5B%5D=up/);
  assert.deepEqual([one.length, two.length], [NAMES_MAX, NAMES_MAX], 'a server that knows no limit is cut here');
  now = FRESH_MS + 1;
  await names.labelNames('up');
  assert.equal(asked.length, 2);
  for (let i = 0; i <= KEPT_MAX; i++) await names.labelNames(`m${i}`);
  asked.length = 0;
  await names.labelNames('m0');
  await names.labelNames(`m${KEPT_MAX}`);
  assert.equal(asked.length, 1, 'the oldest was forgotten, the newest is known');
  fails = true;
  assert.deepEqual(await names.labelValues('job', 'gone'), []);
  fails = false;
  assert.equal((await names.labelValues('job', 'gone')).length, NAMES_MAX, 'a failure is not kept');
  assert.deepEqual(await names.series(''), [], 'all series are never asked for');
});

test('facts of the store are read as Prometheus writes them', () => {
  assert.deepEqual(storeFactsOf({ status: 'success', data: { headStats: { numSeries: 7 }, seriesCountByMetricName: [{ name: 'a', value: 5 }], labelValueCountByLabelName: [{ name: 'l', value: 2 }, null] } }),
    { series: 7, byMetric: [{ name: 'a', count: 5 }], byLabel: [{ name: 'l', count: 2 }] });
  assert.equal(storeFactsOf(null), null);
  assert.deepEqual(metadataOf({ status: 'success', data: { a: [{ type: 'gauge', help: 'h', unit: 's' }], b: [] } }), new Map([['a', { type: 'gauge', help: 'h', unit: 's' }]]));
  assert.equal(metadataOf({ status: 'error' }).size, 0);
});
