// What the browser tests share: a server, a browser, and waiting with a deadline.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(new URL('../../static/package.json', import.meta.url))('playwright-core');

const CHROMIUM = process.env.WATCHROOM_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Starts a browser; the test ends it. */
export async function browserFor(t, flags = []) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags] });
  t.after(() => browser.close());
  return browser;
}

/**
 * A time zone in which it is between ten and eleven in the morning now, so that "in an hour" is today whenever the tests
 * run. Zones of this family are named by the hours to add to get UTC.
 */
function morningZone() {
  const behind = new Date().getUTCHours() - 10;
  const hours = behind > 12 ? behind - 24 : behind;
  return hours < 0 ? `Etc/GMT${hours}` : `Etc/GMT+${hours}`;
}

/** Opens a page that fails the test when its script fails or breaks the page's policy. */
export async function pageFor(t, browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 }, colorScheme: 'dark', timezoneId: morningZone(), ...options });
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', error => errors.push(error.stack ?? String(error)));
  page.on('console', message => {
    if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(message.text())) errors.push(message.text());
  });
  t.after(() => {
    if (errors.length > 0) throw new Error(`the page failed:\n${errors.join('\n')}`);
  });
  return page;
}

/** Waits until `condition` gives something; fails with what it gave last. */
export async function until(what, condition, deadline = 15_000) {
  const end = Date.now() + deadline;
  let last;
  do {
    try {
      last = await condition();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  } while (Date.now() < end);
  throw new Error(`not within ${deadline} ms: ${what}; last: ${last instanceof Error ? [last.message, last.cause?.message].filter(Boolean).join(': ') : JSON.stringify(last)}`);
}

/**
 * Below what systems give to connections that go out, so that none of them takes a port between an end and a new start;
 * above 10080, the last of the ports that browsers and `fetch` refuse to speak to.
 */
const [PORT_FIRST, PORTS] = [11_000, 19_000];
/** Processes begin at different ones. */
let nextPort = process.pid * 101;

/** Gives a port of this machine that nobody listens on; each once. */
export async function freePort() {
  for (let tried = 0; tried < PORTS; tried++) {
    const port = PORT_FIRST + (nextPort++ % PORTS);
    const server = createServer();
    const isFree = await new Promise(resolve => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no port is free');
}

/** Processes of ours; none outlives this one, whatever ends it. */
const running = new Set();
process.on('exit', () => running.forEach(child => child.kill('SIGKILL')));

function run(command, options, how) {
  const child = spawn(command, options, how);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A server of our own: it can be killed and started again on the same data and port. */
export class Server {
  #child = null;

  /** `log` is where its log goes: a file's number, or 'inherit'. */
  constructor(directory, port, options = [], environment = {}, log = 'inherit') {
    this.directory = directory;
    this.port = port;
    this.options = options;
    this.environment = environment;
    this.log = log;
    this.url = `http://127.0.0.1:${port}`;
  }

  async start() {
    const bin = process.env.WATCHROOM_BIN;
    if (!bin) throw new Error('WATCHROOM_BIN names the server to start');
    this.#child = run(bin, ['--data', this.directory, '--listen', `127.0.0.1:${this.port}`, ...this.options], {
      stdio: ['ignore', 'ignore', this.log], env: { ...process.env, ...this.environment },
    });
    const child = this.#child;
    // Whoever else answers there is not it.
    await until('the server answers', async () => child.exitCode === null && (await fetch(this.url)).ok);
  }

  /** The number of the process, or undefined when it does not run. */
  get pid() {
    return this.#child?.pid;
  }

  /** Ends the process at once, as a crash would. */
  async kill() {
    await this.end('SIGKILL');
  }

  /** Sends the process a signal and waits for its end; gives the exit code, or null if a signal ended it. */
  async end(signal) {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    child.kill(signal);
    const [code] = await once(child, 'exit');
    return code;
  }
}

/**
 * Gives a server of the test's own, ended and cleared away after it. `config` is the text of its `watchroom.toml`,
 * `rules` of its `alerts.toml` (without it there is none), `environment` gives variables for its folder, `log` says where its log goes.
 */
export async function ownServer(t, { config = '', rules = null, options = [], environment = () => ({}), log = 'inherit' } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'watchroom-web-'));
  await writeFile(join(directory, 'watchroom.toml'), config);
  if (rules !== null) await writeFile(join(directory, 'alerts.toml'), rules);
  const server = new Server(directory, await freePort(), ['--config', directory, ...options], environment(directory), log);
  t.after(async () => {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  });
  await server.start();
  return server;
}

/** A Redis server of our own: it can be killed, paused, and started again on the same port, with or without what it kept. */
export class Redis {
  #child = null;
  #failed = null;

  /** `keeps`: whether it has its data again after an end. `environment` is the process's; `settings` are more options. */
  constructor(directory, port, { keeps = false, environment = {}, settings = [] } = {}) {
    Object.assign(this, { directory, port, keeps, environment, settings, url: `redis://127.0.0.1:${port}` });
  }

  /** Starts it; throws when there is no such program. */
  async start() {
    const options = ['--port', this.port, '--bind', '127.0.0.1', '--dir', this.directory, '--save', '', '--appendonly', this.keeps ? 'yes' : 'no', '--appendfsync', 'always', ...this.settings];
    this.#child = run('redis-server', options.map(String), { stdio: 'ignore', env: { ...process.env, ...this.environment } });
    this.#failed = once(this.#child, 'error').then(([error]) => error);
    const answers = until('redis answers', async () => (await this.ask('INFO', 'server')).includes(`process_id:${this.#child.pid}\r\n`));
    const error = await Promise.race([this.#failed, answers.then(() => null)]);
    answers.catch(() => undefined);
    if (error !== null) throw error;
  }

  /** Sends one command on a connection of its own; gives what comes first of the answer, as it comes. */
  ask(...words) {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(`*${words.length}\r\n${words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`));
      socket.once('data', bytes => { socket.destroy(); resolve(bytes.toString()); });
      socket.once('error', reject);
      socket.once('end', () => reject(new Error('redis hung up')));
    });
  }

  /** Whether the process runs. */
  get isUp() {
    return this.#child !== null;
  }

  /** How many clients it has. */
  async clients() {
    return Number(/connected_clients:(\d+)/.exec(await this.ask('INFO', 'clients'))?.[1] ?? 0);
  }

  /** Sends the process a signal: SIGSTOP and SIGCONT pause it and let it go on. */
  signal(signal) {
    this.#child?.kill(signal);
  }

  /** Ends the process. */
  async end(signal = 'SIGTERM') {
    const child = this.#child;
    this.#child = null;
    if (!child || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGCONT');
    child.kill(signal);
    await once(child, 'exit');
  }
}

/** Gives a Redis server of the test's own, ended and cleared away after it. */
export async function startRedis(t, options = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'watchroom-redis-'));
  const redis = new Redis(directory, await freePort(), options);
  t.after(async () => {
    await redis.end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  await redis.start();
  return redis;
}

/** Gives the address of a Redis server of the test's own, or null where there is none; one is always there under CI. */
export async function ownRedis(t) {
  try {
    return (await startRedis(t)).url;
  } catch (error) {
    if (error.code !== 'ENOENT' || process.env.CI === 'true') throw error;
    return null;
  }
}

/** Gives the address of a server: the one that runs at WATCHROOM_URL, or one of the test's own. */
export async function anyServer(t) {
  const running = process.env.WATCHROOM_URL;
  return running ? running.replace(/\/$/, '') : (await ownServer(t)).url;
}

/** Gives what the page at an address boots from. */
export async function bootOf(url) {
  const page = await (await fetch(url)).text();
  const found = /<script type="application\/json" id="boot">(.*?)<\/script>/s.exec(page);
  if (!found) throw new Error(`no boot JSON at ${url}`);
  return JSON.parse(found[1]);
}

/** Gives the address of a room's page, by the room's id. */
export async function roomUrl(base, id) {
  const room = (await bootOf(base)).rooms.find(one => one.id === id);
  if (!room) throw new Error(`no room ${id}`);
  return new URL(room.href, base).href;
}

/** Waits until panels have samples and have been drawn. */
export async function untilDrawn(page, deadline = 15_000) {
  await page.waitForFunction(() => {
    const { watchroom } = window;
    return watchroom && watchroom.frames().draws > 0 && watchroom.panels().some(panel => panel.queries.some(query => query.series.some(one => one.t.length > 0)));
  }, null, { timeout: deadline, polling: 20 });
}

/** Opens a room as someone with a name (null: without), in a browser profile of their own. */
export async function enter(t, browser, url, name, options = {}) {
  const page = await pageFor(t, browser, options);
  const id = [...crypto.getRandomValues(new Uint8Array(8))].map(byte => byte.toString(16).padStart(2, '0')).join('');
  if (name !== null) await page.addInitScript(person => localStorage.setItem('watchroom.person', person), JSON.stringify({ id, name }));
  await page.goto(url);
  await untilDrawn(page);
  return page;
}

/** Writes by keyboard alone; Escape gives the letters back to the page. */
export async function write(page, text) {
  await page.keyboard.press('m');
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
}

/**
 * Pushes metrics twice a second, each as high as it was set last; a server that is away misses some.
 * Gives the values by metric, to be set.
 */
export function pushing(t, base, values, labels = {}) {
  const pushed = { ...values };
  const push = () => fetch(`${base}/api/v1/push`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Object.entries(pushed).map(([metric, value]) => ({ metric, labels, value }))),
  }).catch(() => undefined);
  const timer = setInterval(push, 500);
  t.after(() => clearInterval(timer));
  void push();
  return pushed;
}
