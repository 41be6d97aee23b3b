// Nodes, connections and channels, as the calls of the server's page answer them: docs/protocol.md.
import { isFields, list, number, text, type Fields } from './parse';

/** What a node says of itself. Totals count from its start; `seen` is its own clock, ms. */
export interface NodeView {
  readonly node: string;
  readonly version: string;
  /** How long it has run, s. */
  readonly uptime: number;
  readonly seen: number;
  readonly connections: number;
  readonly users: number;
  readonly channels: number;
  readonly subscriptions: number;
  readonly publications: number;
  readonly deliveries: number;
  /** Bytes that wait for its readers now. */
  readonly queueBytes: number;
  readonly closedSlow: number;
  readonly stepsDropped: number;
  readonly signalsDropped: number;
  /** How often a reader's rate dropped. */
  readonly slowed: number;
  readonly refused: number;
  /** Bytes of memory; 0 where the system does not tell. */
  readonly memory: number;
  /** Processor time since its start, ms; 0 where the system does not tell. */
  readonly cpu: number;
}

export interface FleetView {
  /** The node that answered. */
  readonly node: string;
  /** Its clock, ms. */
  readonly now: number;
  readonly nodes: readonly NodeView[];
}

export interface ConnectionView {
  readonly node: string;
  readonly client: string;
  /** Empty for an anonymous one. */
  readonly user: string;
  /** Name of the person at a page; empty where there is none. */
  readonly name: string;
  readonly transport: string;
  readonly protocol: string;
  readonly compressed: boolean;
  /** Whether it is a page of watchroom. */
  readonly page: boolean;
  /** The first of its channels. */
  readonly channels: readonly string[];
  readonly channelsTotal: number;
  readonly queueBytes: number;
  /** Of how many steps it gets one, because it reads slowly; null where it keeps up. */
  readonly slowed: number | null;
  readonly messages: number;
  readonly bytes: number;
  /** When it connected, ms. */
  readonly since: number;
}

export interface ChannelRow {
  readonly channel: string;
  /** Whether it is watchroom's own. */
  readonly own: boolean;
  readonly subscribers: number;
  readonly nodes: number;
  readonly messages: number;
  /** Whether it has a history. */
  readonly kept: boolean;
}

/** A part of a long list: `matching` of `total` meet the search, and the first of those are `rows`. */
export interface Listing<Row> {
  readonly total: number;
  readonly matching: number;
  /** Nodes that did not answer in time. */
  readonly silent: readonly string[];
  readonly rows: readonly Row[];
}

export interface Published {
  readonly offset: number;
  readonly data: unknown;
  /** Whether `data` is base64 of bytes that are no JSON. */
  readonly binary: boolean;
  readonly time: number | null;
  readonly user: string;
}

export interface ChannelView {
  readonly channel: string;
  readonly subscribers: number;
  /** Null where presence is not kept. */
  readonly present: number | null;
  /** Null where no history is kept; newest first. */
  readonly history: { readonly offset: number; readonly epoch: string; readonly newest: readonly Published[] } | null;
}

/** Where a test message went: null without a history. */
export type PublishedAt = { readonly offset: number; readonly epoch: string } | null;

const amount = (value: unknown): number => number(value) ?? 0;
const texts = (value: unknown): string[] => list(value).filter(one => typeof one === 'string');

function nodeOf(from: Fields): NodeView {
  return {
    node: text(from['node']), version: text(from['version']), uptime: amount(from['uptime_s']), seen: amount(from['seen']),
    connections: amount(from['connections']), users: amount(from['users']), channels: amount(from['channels']), subscriptions: amount(from['subscriptions']),
    publications: amount(from['publications']), deliveries: amount(from['deliveries']), queueBytes: amount(from['queue_bytes']),
    closedSlow: amount(from['closed_slow']), stepsDropped: amount(from['steps_dropped']), signalsDropped: amount(from['signals_dropped']),
    slowed: amount(from['slowed']), refused: amount(from['refused']), memory: amount(from['rss_bytes']), cpu: amount(from['cpu_ms']),
  };
}

/** Parses the answer to `server`, or gives null for what is none. */
export function fleetOf(value: unknown): FleetView | null {
  if (!isFields(value) || !Array.isArray(value['nodes'])) return null;
  return { node: text(value['node']), now: amount(value['now']), nodes: value['nodes'].filter(isFields).map(nodeOf).filter(one => one.node !== '') };
}

function connectionOf(from: Fields): ConnectionView {
  const channels = texts(from['channels']);
  return {
    node: text(from['node']), client: text(from['client']), user: text(from['user']), name: text(from['name']),
    transport: text(from['transport']), protocol: text(from['protocol']), compressed: from['compressed'] === true, page: from['page'] === true,
    channels, channelsTotal: number(from['channels_total']) ?? channels.length, queueBytes: amount(from['queue_bytes']), slowed: number(from['slowed']),
    messages: amount(from['messages']), bytes: amount(from['bytes']), since: amount(from['since']),
  };
}

function channelOf(from: Fields): ChannelRow {
  return {
    channel: text(from['channel']), own: from['own'] === true, subscribers: amount(from['subscribers']), nodes: amount(from['nodes']),
    messages: amount(from['messages']), kept: from['kept'] === true,
  };
}

function listing<Row>(value: unknown, key: string, row: (from: Fields) => Row): Listing<Row> | null {
  if (!isFields(value) || !Array.isArray(value[key])) return null;
  const rows = value[key].filter(isFields).map(row);
  return { total: number(value['total']) ?? rows.length, matching: number(value['matching']) ?? rows.length, silent: texts(value['silent']), rows };
}

/** Parses the answer to `connections`, or gives null for what is none. */
export function connectionsOf(value: unknown): Listing<ConnectionView> | null {
  return listing(value, 'connections', connectionOf);
}

/** Parses the answer to `channels`, or gives null for what is none. */
export function channelsOf(value: unknown): Listing<ChannelRow> | null {
  return listing(value, 'channels', channelOf);
}

function publishedOf(from: Fields): Published {
  const { data } = from;
  const binary = from['binary'] === true && isFields(data);
  return { offset: amount(from['offset']), data: binary ? text(data['base64']) : data, binary, time: number(from['time']), user: text(from['user']) };
}

/** Parses the answer to `channel`, or gives null for what is none. */
export function channelViewOf(value: unknown): ChannelView | null {
  if (!isFields(value)) return null;
  const { history } = value;
  return {
    channel: text(value['channel']), subscribers: amount(value['subscribers']), present: number(value['present']),
    history: isFields(history) ? { offset: amount(history['offset']), epoch: text(history['epoch']), newest: list(history['newest']).filter(isFields).map(publishedOf) } : null,
  };
}

/** Parses the answer to `publish_test`. */
export function publishedAtOf(value: unknown): PublishedAt {
  const offset = isFields(value) ? number(value['offset']) : null;
  return offset === null || !isFields(value) ? null : { offset, epoch: text(value['epoch']) };
}
