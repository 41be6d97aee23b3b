// Connections, nodes and amounts in words.
import { shown } from '../data/names';
import { formatAmounts, formatNumber, NBSP, NONE } from '../format/number';
import type { Texts } from '../texts/texts';
import type { ConnectionView } from '../wire/server';

/** What one reader may cost at most; bars of what waits are drawn against it. */
export const QUEUE_MOST = 256 * 1024;

const KIBI = 1024;
const CLIENT_LETTERS = 8;

/** Writes a whole number: `10 000`. */
export function count(n: number): string {
  return formatNumber(n, 0);
}

/** Writes bytes that wait as limits are written: `640 B`, `12.4 KiB`, `1.5 MiB`. */
export function kibi(bytes: number): string {
  if (bytes === 0) return '0';
  if (bytes < KIBI) return `${count(bytes)}${NBSP}B`;
  const kib = bytes < KIBI * KIBI;
  const amount = bytes / (kib ? KIBI : KIBI * KIBI);
  return `${formatNumber(amount, amount >= 100 || Number.isInteger(amount) ? 0 : 1)}${NBSP}${kib ? 'KiB' : 'MiB'}`;
}

/** Writes bytes: `640 B`, `12.4 kB`, `52.0 MB`. */
export function bytes(amount: number): string {
  return formatAmounts(amount, amount)[1];
}

/** Writes a rate without its unit: `0`, `0.4`, `41`, `12.4 k`; null is not known yet. */
export function perSecond(rate: number | null): string {
  if (rate === null) return NONE;
  if (rate === 0) return '0';
  return rate >= 10_000 ? formatNumber(rate, null) : formatNumber(rate, rate >= 99.95 ? 0 : 1);
}

/** Writes a rate with its unit: `41 /s`. */
export function rateOf(rate: number | null, texts: Texts): string {
  return rate === null ? NONE : texts.server.rate(perSecond(rate));
}

/** Writes bytes a second: `12.4 kB/s`. */
export function bytesPerSecond(rate: number | null, texts: Texts): string {
  return rate === null ? NONE : `${bytes(Math.round(rate))}${texts.perSecond}`;
}

/** Writes processor time, given in µs: `3.2` and `µs`. */
export function cost(micros: number | null): readonly [string, string] {
  if (micros === null) return [NONE, ''];
  return micros >= 1000 ? [formatNumber(micros / 1000, 1), 'ms'] : [formatNumber(micros, 1), 'µs'];
}

/** Gives who a connection is: its person's name, or its user, or that it is anonymous. */
export function whoOf(connection: ConnectionView, texts: Texts): string {
  return shown(connection.name || connection.user) || texts.server.anonymous;
}

/** Gives the start of a client's id: it tells clients apart at a glance. */
export function shortClient(client: string): string {
  return shown([...client].slice(0, CLIENT_LETTERS).join(''));
}

/** Writes how a connection comes: `WebSocket, JSON`. */
export function transportOf(connection: ConnectionView, texts: Texts): string {
  const { transports, protocols, compressed } = texts.server;
  const parts = [transports.get(connection.transport) ?? shown(connection.transport), protocols.get(connection.protocol) ?? shown(connection.protocol)];
  return [...parts.filter(part => part !== ''), ...(connection.compressed ? [compressed] : [])].join(', ');
}

/** Says how a connection keeps up, in a sentence or two. */
export function paceOf(connection: ConnectionView, texts: Texts): string {
  const { connection: words } = texts.server;
  const waits = connection.queueBytes > 0 ? words.waits(kibi(connection.queueBytes)) : '';
  if (connection.slowed !== null) return `${words.slow(count(connection.slowed))} ${waits}`.trim();
  return waits === '' ? words.keepsUp : waits;
}

/** Writes names one after the other: `a, b and c`. */
export function namesOf(names: readonly string[], texts: Texts): string {
  const written = names.map(shown);
  return written.length < 2 ? written.join('') : `${written.slice(0, -1).join(', ')}${texts.server.and}${written.at(-1) ?? ''}`;
}
