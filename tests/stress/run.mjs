// Runs the scenarios, and says what each did. `--help` has the arguments.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { atStart, untilQuiet } from './leaks.mjs';
import { Deployment, Scope, clockShim } from './nodes.mjs';
import { Random } from './random.mjs';
import { Stream } from './stream.mjs';
import { SCENARIOS } from './scenarios.mjs';

const HELP = `Scenarios that break what is around the server while publications run, and check that every reader has each of them
once and in order, or is told "not recovered" where the history is gone; and that nothing leaks.

  --seed N               what is drawn by lot; another one each time without it
  --scenario NAME[,NAME] these alone; NAME:one, NAME:two or NAME:cluster names the deployment, too
  --seconds N            again with the next seed until N seconds are over
  --rounds N             rounds of each scenario on one deployment, for what leaks slowly
  --long                 outages as long as they get: 20 s in place of 3
  --lanes N              deployments at the same time (4)
  --binary PATH          the server; else WATCHROOM_BIN, else target/release/watchroom
  --list                 names what there is
`;

/**
 * Memory that a later round of the same may have more than the first, KiB: what the allocator has not given back. Measured:
 * at most 7 MiB
 * in 12 rounds, up and down.
 */
const GROWTH_KIB_MAX = 12 << 10;
/** Findings that are shown of one run. */
const SHOWN = 12;
/** A run that takes longer hangs, ms; by --long and --rounds more. */
const RUN_MS_MAX = 120_000;

function options() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' }, scenario: { type: 'string' }, seconds: { type: 'string' }, rounds: { type: 'string' }, long: { type: 'boolean', default: false },
      lanes: { type: 'string', default: '4' }, binary: { type: 'string' }, list: { type: 'boolean' }, help: { type: 'boolean' },
    },
  });
  for (const name of ['seed', 'seconds', 'rounds', 'lanes']) {
    if (values[name] === undefined) continue;
    if (!/^\d{1,15}$/.test(values[name])) throw new Error(`--${name} takes a whole number, not ${values[name]}`);
    values[name] = Number(values[name]);
  }
  return values;
}

/** Each scenario in each deployment that it is for: `{ scenario, kind }`. */
function chosen(names) {
  const all = SCENARIOS.flatMap(scenario => (scenario.kinds ?? ['one', 'two']).map(kind => ({ scenario, kind, name: `${scenario.name}:${kind}` })));
  if (!names) return all;
  const wanted = names.split(',');
  const unknown = wanted.filter(name => !all.some(one => one.name === name || one.scenario.name === name));
  if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(', ')}; --list names them`);
  return all.filter(one => wanted.includes(one.name) || wanted.includes(one.scenario.name));
}

/** What client libraries threw into the void. Whose it was is not known, but its reader is told of as `ended`. */
const thrown = [];
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, error => thrown.push(error.stack ?? String(error)));

// An end in order, so that the servers end with us.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/** Runs one scenario in one deployment; gives what it did and what is wrong. */
async function run({ scenario, kind, name }, { seed, long, rounds: asked }, log) {
  const scope = new Scope();
  const wrong = [];
  const figures = {};
  const add = more => {
    for (const [key, value] of Object.entries(more)) figures[key] = typeof value === 'number' ? (figures[key] ?? 0) + value : value;
  };
  const rounds = asked ?? (long ? Math.max(2, scenario.rounds ?? 1) : scenario.rounds ?? 1);
  const begun = performance.now();
  const memory = [];
  try {
    const clock = scenario.clock ? await clockShim(scope) : null;
    const deployment = await Deployment.start(scope, kind, { ...scenario.deployment, environment: clock?.environment, log });
    const before = await atStart(deployment);
    for (let round = 0; round < rounds; round++) {
      const inner = new Scope();
      let [channels, maps] = [[], []];
      try {
        const random = new Random(`${seed}/${name}/${round}`);
        const check = (holds, text) => { if (!holds) wrong.push({ verdict: 'failed', text }); };
        const stream = new Stream(inner, { deployment, random });
        try {
          add(await scenario.round({ deployment, stream, random: random.fork('scenario'), scope: inner, clock, long, rounds, check }) ?? {});
        } finally {
          wrong.push(...await stream.settle());
        }
        add(stream.figures());
        channels = stream.ledger.channels;
        maps = stream.maps.ledger.channels;
      } finally {
        await inner.end();
      }
      // Entries of a node that was killed outlive it for a while: by --long that is waited for.
      const { restarts = false, lingers = false } = scenario;
      const isListed = !scenario.deployment?.rooms && (long || !lingers || kind === 'one');
      const now = await untilQuiet(deployment, before, { channels: isListed ? channels : [], maps, restarts, lingers });
      memory.push(now.nodes.map(node => node.memory));
    }
    if (!scenario.restarts && memory.length > 1) {
      memory.at(-1).forEach((after, i) => {
        const grown = after - memory[0][i];
        if (grown > GROWTH_KIB_MAX) wrong.push({ verdict: 'leaked', text: `node ${deployment.nodes[i].name} has ${grown} KiB more after round ${memory.length} than after the first` });
      });
    }
  } catch (error) {
    wrong.push({ verdict: error.verdict ?? 'failed', text: error.verdict ? error.message : error.stack ?? String(error) });
  } finally {
    await scope.end().catch(error => wrong.push({ verdict: 'failed', text: String(error) }));
  }
  return { name, figures, memory, wrong, took: performance.now() - begun };
}

const said = figures => Object.entries(figures).map(([key, value]) => `${key} ${typeof value === 'object' ? Object.entries(value).map(([a, b]) => `${a} ${b}`).join('/') : value}`).join(', ');

function tell({ name, figures, memory, wrong, took }, { seed, long, rounds }) {
  const grown = memory.length > 0 ? `; MiB ${memory.map(one => one.map(kib => Math.round(kib / 1024)).join('+')).join(', ')}` : '';
  console.log(`${wrong.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(14)} ${(took / 1_000).toFixed(1).padStart(5)} s  ${said(figures)}${grown}`);
  for (const { verdict, text } of wrong.slice(0, SHOWN)) console.log(`       ${verdict}: ${text}`);
  if (wrong.length > SHOWN) console.log(`       … and ${wrong.length - SHOWN} more`);
  if (wrong.length > 0) console.log(`     again: make stress STRESS_ARGS="--seed ${seed} --scenario ${name}${long ? ' --long' : ''}${rounds ? ` --rounds ${rounds}` : ''}"`);
}

/** Runs all with one seed, some at the same time; gives how many failed. */
async function pass(runs, given) {
  console.log(`seed ${given.seed}`);
  const directory = await mkdtemp(join(tmpdir(), 'watchroom-stress-log-'));
  const waiting = [...runs];
  let failed = 0;
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const log = join(directory, `${next.name}.log`);
      const longest = RUN_MS_MAX * (given.long ? 3 : 1) * (given.rounds ?? 1);
      let timer;
      const hangs = new Promise(resolve => { timer = setTimeout(() => resolve({ name: next.name, figures: {}, memory: [], took: longest, wrong: [{ verdict: 'failed', text: `not done within ${longest} ms` }] }), longest); });
      const done = await Promise.race([run(next, given, log), hangs]);
      clearTimeout(timer);
      tell(done, given);
      if (done.wrong.length === 0) continue;
      failed++;
      const lines = (await readFile(log, 'utf8').catch(() => '')).split('\n').filter(line => / (WARN|ERROR) |panicked/.test(line));
      for (const line of lines.slice(-8)) console.log(`     log: ${line}`);
    }
  };
  await Promise.all(Array.from({ length: given.lanes }, lane));
  const errors = thrown.splice(0);
  for (const error of new Set(errors)) console.log(`     thrown meanwhile: ${error}`);
  if (errors.length > 0 && failed === 0) failed++;
  await rm(directory, { recursive: true, force: true });
  return failed;
}

async function main() {
  const given = options();
  if (given.help) return void console.log(HELP);
  if (given.list) return void SCENARIOS.forEach(({ name, about, kinds = ['one', 'two'] }) => console.log(`${name.padEnd(10)} ${kinds.join(', ').padEnd(17)} ${about}`));
  process.env.WATCHROOM_BIN = given.binary ?? process.env.WATCHROOM_BIN ?? new URL('../../target/release/watchroom', import.meta.url).pathname;
  if (!existsSync(process.env.WATCHROOM_BIN)) throw new Error(`no server at ${process.env.WATCHROOM_BIN}: make build, or --binary PATH`);
  const runs = chosen(given.scenario);
  const begun = performance.now();
  const over = () => performance.now() - begun >= (given.seconds ?? 0) * 1_000;
  let [failed, passes] = [0, 0];
  given.seed ??= Date.now() % 1_000_000;
  do {
    failed += await pass(runs, { ...given, seed: given.seed + passes });
    passes++;
  } while (!over());
  const took = Math.round((performance.now() - begun) / 1_000);
  console.log(`${failed === 0 ? 'ok' : `${failed} failed`}: ${passes * runs.length} runs, ${passes} ${passes === 1 ? 'seed' : 'seeds'} from ${given.seed}, ${took} s on ${availableParallelism()} cores`);
  process.exit(failed === 0 ? 0 : 1);
}

main().catch(error => {
  console.error(error.message);
  process.exit(2);
});
