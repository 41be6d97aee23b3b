// What the page was sent with: parsed once, here. src/http/view.rs is the other end.
import { isFields, list, number, text, type Fields } from './wire/parse';
import type { Range } from './data/view';

export type Kind = 'line' | 'stack' | 'mirror' | 'bars' | 'stat' | 'table' | 'heat';
const KINDS: readonly string[] = ['line', 'stack', 'mirror', 'bars', 'stat', 'table', 'heat'];

/** One query of a panel, with the name of its channel for each step. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
  readonly color: number | null;
  readonly negative: boolean;
  readonly channels: ReadonlyMap<number, string>;
  /** Expressions for steps where `expr` would look too narrowly; usually empty. */
  readonly exprs: ReadonlyMap<number, string>;
}

/** One panel: as in the dashboard's file, with `{of}` and the limit's value filled in by the server. */
export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly kind: Kind;
  readonly width: number;
  readonly tall: boolean;
  readonly min: number | null;
  readonly max: number | null;
  readonly decimals: number | null;
  readonly scale: number;
  readonly total: string;
  readonly limit: { readonly at: number; readonly label: string } | null;
  /** Name of what is left to the limit, in the legend; empty for none. */
  readonly rest: string;
  readonly source: string;
  readonly more: string;
  /** What is said when no series matches; empty for the usual words. */
  readonly empty: string;
  readonly queries: readonly Query[];
}

/** A dashboard, as far as a link to it goes. */
export interface Room {
  readonly id: string;
  readonly title: string;
  readonly href: string;
}

export interface Boot {
  readonly version: string;
  readonly node: string;
  readonly now: number;
  readonly lang: string;
  readonly room: Room | null;
  readonly rooms: readonly Room[];
  readonly ranges: readonly Range[];
  readonly range: number;
  readonly panels: readonly Panel[];
  readonly top: string;
  readonly socket: string;
}

const RANGES: readonly Range[] = [
  { id: '5m', seconds: 300, step: 1000 }, { id: '15m', seconds: 900, step: 1000 }, { id: '1h', seconds: 3600, step: 5000 },
  { id: '6h', seconds: 21_600, step: 30_000 }, { id: '24h', seconds: 86_400, step: 120_000 },
];

function byStep(value: unknown): Map<number, string> {
  const found = new Map<number, string>();
  if (isFields(value)) for (const [step, word] of Object.entries(value)) if (typeof word === 'string') found.set(Number(step), word);
  return found;
}

function query(value: unknown): Query {
  const from: Fields = isFields(value) ? value : {};
  return {
    expr: text(from['expr']), legend: text(from['legend']), color: number(from['color']), negative: from['negative'] === true,
    channels: byStep(from['channels']), exprs: byStep(from['exprs']),
  };
}

/** Parses one panel, or gives null for a kind that this page does not draw. */
export function parsePanel(value: unknown): Panel | null {
  if (!isFields(value)) return null;
  const kind = text(value['kind'], 'line');
  if (!KINDS.includes(kind)) return null;
  const limit = value['limit'];
  const at = isFields(limit) ? number(limit['at']) : null;
  return {
    id: text(value['id']), title: text(value['title']), unit: text(value['unit']), kind: kind as Kind,
    width: number(value['width']) ?? 4, tall: value['tall'] === true,
    min: number(value['min']), max: number(value['max']), decimals: number(value['decimals']), scale: number(value['scale']) ?? 1,
    total: text(value['total']), limit: at === null || !isFields(limit) ? null : { at, label: text(limit['label']) },
    rest: text(value['rest']), source: text(value['source']), more: text(value['more']), empty: text(value['empty']), queries: list(value['queries']).map(query),
  };
}

export function parsePanels(value: unknown): Panel[] {
  return list(value).map(parsePanel).filter(panel => panel !== null);
}

function room(value: unknown): Room | null {
  if (!isFields(value) || text(value['id']) === '') return null;
  return { id: text(value['id']), title: text(value['title']), href: text(value['href']) };
}

function ranges(value: unknown): readonly Range[] {
  const found = list(value).flatMap(one => {
    const seconds = isFields(one) ? number(one['seconds']) : null;
    const step = isFields(one) ? number(one['step']) : null;
    return isFields(one) && seconds !== null && step !== null ? [{ id: text(one['id']), seconds, step }] : [];
  });
  return found.length > 0 ? found : RANGES;
}

/** Parses the page's boot JSON; what is missing gets a plain default. */
export function parseBoot(source: string): Boot {
  const parsed: unknown = JSON.parse(source);
  const from: Fields = isFields(parsed) ? parsed : {};
  const all = ranges(from['ranges']);
  const chosen = all.findIndex(range => range.id === text(from['range'], '15m'));
  return {
    version: text(from['version']), node: text(from['node']), now: number(from['now']) ?? 0, lang: text(from['lang'], 'en'),
    room: room(from['room']), rooms: list(from['rooms']).map(room).filter(one => one !== null),
    ranges: all, range: Math.max(0, chosen), panels: parsePanels(from['panels']),
    top: text(from['top']), socket: text(from['socket'], '/connection/websocket'),
  };
}
